/**
 * Waiting longer after every failure, never twice the same time, and from the start again once things
 * have gone well for a while.
 *
 * The defaults are those of client-go's reflectors.
 */
import type { Clock } from "./clock.ts";

type BackoffPolicy = {
  readonly firstMs: number;
  readonly maxMs: number;
  readonly factor: number;
  /** How much longer a wait may get by chance, as a share of itself. Keeps clients from marching in step. */
  readonly jitter: number;
  /** Without a failure for this long, the next one counts as the first. */
  readonly resetAfterMs: number;
};

export const REFLECTOR_BACKOFF: BackoffPolicy = {
  firstMs: 800,
  maxMs: 30_000,
  factor: 2,
  jitter: 1,
  resetAfterMs: 120_000,
};

export class Backoff {
  readonly #policy: BackoffPolicy;
  readonly #clock: Clock;
  readonly #random: () => number;
  #failures = 0;
  #lastMs = -Infinity;

  constructor(policy: BackoffPolicy, clock: Clock, random: () => number) {
    this.#policy = policy;
    this.#clock = clock;
    this.#random = random;
  }

  /** There was a failure: how long to wait now. */
  nextMs(): number {
    const { firstMs, maxMs, factor, jitter, resetAfterMs } = this.#policy;
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#lastMs > resetAfterMs) this.#failures = 0;
    const waitMs = Math.min(maxMs, firstMs * factor ** this.#failures);
    this.#failures += 1;
    const jitteredMs = waitMs * (1 + jitter * this.#random());
    this.#lastMs = nowMs + jitteredMs;
    return jitteredMs;
  }

  reset(): void {
    this.#failures = 0;
  }
}
