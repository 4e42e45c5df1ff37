/**
 * How long a key that has to come back waits: longer each time in a row, and never so that all keys
 * together come back too fast.
 *
 * The numbers are client-go's: 5 ms doubling up to 1000 s per key, 10 per second with bursts of 100 over
 * all keys.
 */
import type { Clock } from "../time/clock.ts";
import { TokenBucket } from "../time/token-bucket.ts";

export type RetryLimits = {
  readonly firstMs: number;
  readonly maxMs: number;
  readonly perSecond: number;
  readonly burst: number;
};

const RETRY_LIMITS: RetryLimits = {
  firstMs: 5,
  maxMs: 1_000_000,
  perSecond: 10,
  burst: 100,
};

export class RetryLimiter {
  readonly #limits: RetryLimits;
  readonly #bucket: TokenBucket;
  readonly #clock: Clock;
  readonly #failures = new Map<string, number>();

  constructor(clock: Clock, limits: RetryLimits = RETRY_LIMITS) {
    this.#limits = limits;
    this.#clock = clock;
    this.#bucket = new TokenBucket(limits, clock.nowMs());
  }

  /** The key comes back once more: when. */
  nextMs(key: string): number {
    const failures = this.failures(key);
    this.#failures.set(key, failures + 1);
    const { firstMs, maxMs } = this.#limits;
    return Math.max(
      Math.min(maxMs, firstMs * 2 ** failures),
      this.#bucket.reserve(this.#clock.nowMs()),
    );
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }
}
