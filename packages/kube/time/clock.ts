/**
 * Time as the runtime sees it, so that a test can move it by hand.
 *
 * Durations come from a clock that never jumps; the time of day is only ever written down for people and
 * other programs to read. Nothing here compares the two.
 */

export type Clock = {
  /** Milliseconds since some moment; only differences mean anything. */
  nowMs(): number;
  /** The time of day. */
  date(): Date;
  /** Calls back once, later. Disposing of the result before then calls it off. */
  schedule(delayMs: number, callback: () => void): Disposable;
};

/** Longer timers fire at once in Node. Whoever waits that long is woken early and decides anew. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  date: () => new Date(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), MAX_DELAY_MS));
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/** Resolves later, or rejects with the signal's reason as soon as it aborts. */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason as Error);
    const timer = clock.schedule(delayMs, () => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    });
    const aborted = (): void => {
      timer[Symbol.dispose]();
      reject(signal?.reason as Error);
    };
    signal?.addEventListener("abort", aborted, { once: true });
  });
}
