/**
 * An engine that leaves memory when nobody has used it for a while, and is started again by the next request, or by a time
 * of the week in which it is to be loaded.
 *
 * Only its process ends: whoever listens for requests goes on, calls itself ready, and holds those that come until the
 * weights are back, which takes as long as loading does. A request that has begun is never in the way of an end: there is
 * none while anybody is here.
 */
import type { EventOf, Operation, RequestOf } from "@localmodel/inference/operation.ts";
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { ServerState } from "@localmodel/localmodel/contracts/server-state.ts";
import { scheduledAt } from "@localmodel/localmodel/resource/schedule.ts";
import type { Engine } from "../contract.ts";
import type { ThreadCounts } from "../thread-counts.ts";

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

/** After a load that failed, in a time in which it is to be loaded. */
const AGAIN_MS = 10_000;

type SleepOptions = {
  readonly sleepAfterSeconds: number;
  /** Default: no time is like another. */
  readonly awakeSchedule?: ServerConfig["awakeSchedule"];
};

export class SleepingEngine implements Engine, Sleeper {
  readonly #engine: Restartable;
  readonly #sleepAfterMs: number;
  readonly #schedule: ServerConfig["awakeSchedule"];
  readonly #waiters = new Set<() => void>();
  #users = 0;
  #isUnwanted = false;
  /** Whether it is a time in which it is to be loaded. */
  #isScheduled = false;
  #welcomeUntilMs = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(engine: Restartable, { sleepAfterSeconds, awakeSchedule = [] }: SleepOptions) {
    this.#engine = engine;
    this.#sleepAfterMs = sleepAfterSeconds * 1000;
    this.#schedule = awakeSchedule;
    engine.onState(({ state }) => {
      for (const changed of this.#waiters) changed();
      if (state === "ready") this.#rest();
      else if (this.#isScheduled && isRefused(this.state)) this.#wakeLater();
    });
    this.#rest();
    this.#keepTimes();
  }

  get state(): ServerState {
    return this.#engine.state;
  }

  get threads(): ThreadCounts {
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
    this.#welcomeUntilMs = 0;
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
    if (this.#users > 0 || this.#isScheduled || this.state.state !== "ready") return;
    const welcomeMs = this.#welcomeUntilMs - performance.now();
    const restMs = Math.max(this.#isUnwanted ? 0 : this.#sleepAfterMs, welcomeMs);
    if (restMs <= 0) return this.#engine.sleep();
    this.#idle = setTimeout(() => this.#engine.sleep(), restMs);
    this.#idle.unref();
  }

  #keepTimes(): void {
    const { minReplicas, againInMs } = scheduledAt(this.#schedule, Date.now());
    if (againInMs === undefined) return;
    const wasScheduled = this.#isScheduled;
    this.#isScheduled = minReplicas > 0;
    if (this.#isScheduled) this.#engine.wake();
    if (this.#isScheduled !== wasScheduled) this.#rest();
    setTimeout(() => this.#keepTimes(), againInMs).unref();
  }

  #wakeLater(): void {
    const wake = (): void => {
      if (this.#isScheduled) this.#engine.wake();
    };
    setTimeout(wake, AGAIN_MS).unref();
  }

  /** Ends when it does not sleep any more, whatever it does instead, or could not be loaded. */
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
      if (isRefused(this.state)) return;
    }
  }
}

/** Its load was tried in vain, and is not being tried now. */
function isRefused(state: ServerState): boolean {
  return state.state === "asleep" && state.problem !== undefined && state.progress === undefined;
}
