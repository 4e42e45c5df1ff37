/**
 * So many per second on average, so many at once.
 *
 * It fills evenly up to its burst. It may be drawn below empty, because what something costs is sometimes known only at
 * its end, and what was promised is taken off what comes later: then nobody gets anything until the debt is paid.
 * Times are milliseconds of any clock that only goes up.
 */
type BucketOptions = {
  readonly perSecond: number;
  readonly burst: number;
  /** The most that it is drawn below empty; what exceeds that is forgiven. Default: no bound. */
  readonly debtMax?: number;
};

/** What adding up fractions may be wrong by. */
const ROUNDING_MS = 1e-6;

export class TokenBucket {
  #options: BucketOptions;
  #level: number;
  #atMs: number;

  constructor(options: BucketOptions, nowMs: number) {
    this.#options = options;
    this.#level = options.burst;
    this.#atMs = nowMs;
  }

  get burst(): number {
    return this.#options.burst;
  }

  /** Changed options hold from now on; what has been used stays used. */
  resize(options: BucketOptions, nowMs: number): void {
    const used = this.#options.burst - this.#levelAt(nowMs);
    this.#options = options;
    this.#level = options.burst - used;
    this.#atMs = nowMs;
  }

  /** A negative amount is given back. */
  draw(amount: number, nowMs: number): void {
    const { debtMax = Infinity } = this.#options;
    this.#level = Math.max(-debtMax, this.#levelAt(nowMs) - amount);
    this.#atMs = nowMs;
  }

  /** Takes one, perhaps a future one, and returns the milliseconds until it is there. */
  reserve(nowMs: number): number {
    this.draw(1, nowMs);
    return this.#level >= 0 ? 0 : (-this.#level / this.#options.perSecond) * 1000;
  }

  /** Takes one only if it is there now. */
  tryTake(nowMs: number): boolean {
    if (this.#levelAt(nowMs) < 1) return false;
    this.draw(1, nowMs);
    return true;
  }

  /** Whole ones that are there now. */
  remaining(nowMs: number): number {
    return Math.max(0, Math.floor(this.#levelAt(nowMs)));
  }

  /** Whole milliseconds until at least `amount` is there. */
  waitMs(amount: number, nowMs: number): number {
    const ms = ((amount - this.#levelAt(nowMs)) / this.#options.perSecond) * 1000;
    return Math.max(0, Math.ceil(ms - ROUNDING_MS));
  }

  #levelAt(nowMs: number): number {
    const { perSecond, burst } = this.#options;
    const filled = (Math.max(0, nowMs - this.#atMs) / 1000) * perSecond;
    return Math.min(burst, this.#level + filled);
  }
}
