/**
 * A number per minute, as a bucket: it holds one minute's worth and fills evenly.
 *
 * It may be drawn below empty, because what an answer costs is known only at its end: then nobody gets
 * anything until the debt is paid.
 */
const MINUTE_MS = 60_000;
/** What adding up fractions may be wrong by. */
const ROUNDING_MS = 1e-6;

export class Bucket {
  #limit: number;
  #level: number;
  #atMs: number;

  constructor(limit: number, nowMs: number) {
    this.#limit = limit;
    this.#level = limit;
    this.#atMs = nowMs;
  }

  get limit(): number {
    return this.#limit;
  }

  /** A changed limit holds from now on; what has been used stays used. */
  resize(limit: number, nowMs: number): void {
    const used = this.#limit - this.#levelAt(nowMs);
    this.#limit = limit;
    this.#level = limit - used;
    this.#atMs = nowMs;
  }

  draw(amount: number, nowMs: number): void {
    this.#level = this.#levelAt(nowMs) - amount;
    this.#atMs = nowMs;
  }

  remaining(nowMs: number): number {
    return Math.max(0, Math.floor(this.#levelAt(nowMs)));
  }

  /** Until at least `amount` is there. */
  waitMs(amount: number, nowMs: number): number {
    const ms = ((amount - this.#levelAt(nowMs)) * MINUTE_MS) / this.#limit;
    return Math.max(0, Math.ceil(ms - ROUNDING_MS));
  }

  #levelAt(nowMs: number): number {
    const filled = ((nowMs - this.#atMs) * this.#limit) / MINUTE_MS;
    return Math.min(this.#limit, this.#level + Math.max(0, filled));
  }
}
