/**
 * Which adapter the next step is with, where several are asked for at once. Pure, but for what it remembers.
 *
 * llama.cpp applies adapters to all of a batch, and to change them it plans its memory anew: some milliseconds. So one has
 * its turn for some steps where steps are short, and all together wait no longer for their turns than is not noticed; where a
 * step takes longer than a turn, each has one step.
 */

/** The turns of all others together. */
const OTHERS_MS = 50;

/** Undefined is the model as it is. */
type Adapter = string | undefined;

export class AdapterTurns {
  #current: Adapter;
  #sinceMs = Number.NEGATIVE_INFINITY;
  /** When each had its last step. */
  readonly #lastMs = new Map<Adapter, number>();

  /** One of those that are wanted, of which there is at least one. */
  next(wanted: ReadonlySet<Adapter>, nowMs: number): Adapter {
    const others = wanted.size - 1;
    const isOver = others > 0 && nowMs - this.#sinceMs >= OTHERS_MS / others;
    if (isOver || !wanted.has(this.#current)) {
      this.#current = this.#longestWaiting(wanted);
      this.#sinceMs = nowMs;
    }
    this.#lastMs.set(this.#current, nowMs);
    return this.#current;
  }

  #longestWaiting(wanted: ReadonlySet<Adapter>): Adapter {
    const last = (adapter: Adapter): number =>
      this.#lastMs.get(adapter) ?? Number.NEGATIVE_INFINITY;
    const candidates = [...wanted].filter((one) => wanted.size === 1 || one !== this.#current);
    return candidates.reduce((first, one) => (last(one) < last(first) ? one : first));
  }
}
