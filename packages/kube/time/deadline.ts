/**
 * A signal that aborts when time is up or when one of the signals it follows does.
 *
 * It lets go of what it follows when disposed of: those signals live as long as the process, and a
 * listener per request would be a leak.
 */
import type { Clock } from "./clock.ts";

export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  readonly #expired: () => Error;
  readonly #followed: readonly AbortSignal[];
  readonly #follow: (event: Event) => void;
  #timer: Disposable | undefined;

  constructor(
    clock: Clock,
    timeoutMs: number,
    expired: () => Error,
    follow: readonly (AbortSignal | undefined)[] = [],
  ) {
    this.#clock = clock;
    this.#expired = expired;
    this.#followed = follow.filter((signal) => signal !== undefined);
    this.#follow = (event) => this.#abort((event.target as AbortSignal).reason);
    for (const signal of this.#followed) {
      if (signal.aborted) this.#abort(signal.reason);
      signal.addEventListener("abort", this.#follow);
    }
    this.restart(timeoutMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Forgets the time that has passed. */
  restart(timeoutMs: number): void {
    this.#timer?.[Symbol.dispose]();
    if (this.signal.aborted || timeoutMs === Infinity) return;
    this.#timer = this.#clock.schedule(timeoutMs, () => this.#abort(this.#expired()));
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    for (const signal of this.#followed) signal.removeEventListener("abort", this.#follow);
  }

  #abort(reason: unknown): void {
    this[Symbol.dispose]();
    this.#controller.abort(reason);
  }
}

/** For work that cannot be ended: stops waiting for it when the signal aborts. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason as Error);
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
