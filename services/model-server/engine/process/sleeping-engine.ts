/**
 * An engine that leaves memory when nobody has used it for a while, and is started again by the next request.
 *
 * Only its process ends: whoever listens for requests goes on, calls itself ready, and holds those that come until the
 * weights are back, which takes as long as loading does. A request that has begun is never in the way of an end: there is
 * none while anybody is here.
 */
import type { EventOf, Operation, RequestOf } from "@localmodel/inference/operation.ts";
import type { ServerState } from "@localmodel/localmodel/contracts/server-state.ts";
import type { Engine } from "../contract.ts";

/** An engine whose process can end and start again. */
export type Restartable = Engine & {
  /** From "ready" to "asleep"; nothing else. Nobody may be using it. */
  sleep(): void;
  /** From "asleep" to "ready", or to why not. */
  wake(): void;
};

/** What sleeps on demand, too. */
export type Sleeper = {
  /** Resolves when it is loaded, or is not going to be: the state says which. */
  load(signal: AbortSignal): Promise<void>;
  /** As soon as nobody uses it. */
  unload(): void;
};

/** Who has it loaded without a request is about to send some. */
const WELCOME_MS = 5000;

export class SleepingEngine implements Engine, Sleeper {
  readonly #engine: Restartable;
  readonly #sleepAfterMs: number;
  readonly #waiters = new Set<() => void>();
  #users = 0;
  #isUnwanted = false;
  #welcomeUntilMs = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(engine: Restartable, sleepAfterSeconds: number) {
    this.#engine = engine;
    this.#sleepAfterMs = sleepAfterSeconds * 1000;
    engine.onState(({ state }) => {
      for (const changed of this.#waiters) changed();
      if (state === "ready") this.#rest();
    });
    this.#rest();
  }

  get state(): ServerState {
    return this.#engine.state;
  }

  get threads(): number {
    return this.#engine.threads;
  }

  onState(listener: (state: ServerState) => void): void {
    this.#engine.onState(listener);
  }

  async *ask<Asked extends Operation>(
    operation: Asked,
    request: RequestOf<Asked>,
    signal: AbortSignal,
  ): AsyncGenerator<EventOf<Asked>> {
    using _use = this.#use();
    await this.#awake(signal);
    yield* this.#engine.ask(operation, request, signal);
  }

  async load(signal: AbortSignal): Promise<void> {
    using _use = this.#use();
    await this.#awake(signal);
    this.#welcomeUntilMs = performance.now() + WELCOME_MS;
  }

  unload(): void {
    this.#isUnwanted = true;
    this.#rest();
  }

  /** Somebody has come, until it is disposed. */
  #use(): Disposable {
    this.#users += 1;
    this.#isUnwanted = false;
    clearTimeout(this.#idle);
    return {
      [Symbol.dispose]: () => {
        this.#users -= 1;
        this.#rest();
      },
    };
  }

  #rest(): void {
    clearTimeout(this.#idle);
    if (this.#users > 0 || this.state.state !== "ready") return;
    if (this.#isUnwanted) return this.#engine.sleep();
    const welcomeMs = this.#welcomeUntilMs - performance.now();
    this.#idle = setTimeout(() => this.#engine.sleep(), Math.max(this.#sleepAfterMs, welcomeMs));
    this.#idle.unref();
  }

  /** Ends when it does not sleep any more, whatever it does instead. */
  async #awake(signal: AbortSignal): Promise<void> {
    while (this.state.state === "asleep") {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const abort = (): void => reject(signal.reason);
      this.#waiters.add(resolve);
      signal.addEventListener("abort", abort, { once: true });
      try {
        this.#engine.wake();
        await promise;
      } finally {
        this.#waiters.delete(resolve);
        signal.removeEventListener("abort", abort);
      }
    }
  }
}
