/**
 * How much of its weight an endpoint gets while it is new.
 *
 * A server that has just started has cold caches and code that is not compiled yet; as the one with nothing
 * in flight it would get every request at once. The endpoints that were there first are not new.
 */

const WARM_UP_MS = 10_000;
const FIRST_SHARE = 0.25;

export class WarmUp {
  readonly #sinceMs = new Map<string, number>();

  /** These are the endpoints now. Returns those that have gone. */
  update(endpoints: readonly string[], nowMs: number): readonly string[] {
    const first = this.#sinceMs.size === 0;
    const gone = new Set(this.#sinceMs.keys());
    for (const endpoint of endpoints) {
      gone.delete(endpoint);
      if (!this.#sinceMs.has(endpoint)) this.#sinceMs.set(endpoint, first ? -Infinity : nowMs);
    }
    for (const endpoint of gone) this.#sinceMs.delete(endpoint);
    return [...gone];
  }

  /** From a quarter to 1. */
  shareOf(endpoint: string, nowMs: number): number {
    const ageMs = nowMs - (this.#sinceMs.get(endpoint) ?? nowMs);
    return Math.min(1, FIRST_SHARE + ((1 - FIRST_SHARE) * ageMs) / WARM_UP_MS);
  }
}
