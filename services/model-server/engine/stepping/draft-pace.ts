/**
 * How many tokens a draft model is asked for at a time: as many as pay, by how often it has been right lately and what it takes
 * for one. Pure, but for remembering that.
 */

/** What is believed before there is anything to go by, and what beliefs return to while nothing is drafted. */
const PRIOR = 0.7;
const PRIOR_WEIGHT = 4;
/** With each token that was judged the earlier ones count less. */
const DECAY = 0.97;
/** With each step that drafted nothing: a model that was no good for one text may be for the next. */
const FORGETTING = 0.99;
const WORTHWHILE = 1.05;
/** How much the latest draft counts. */
const WEIGHT = 0.25;

type Steps = {
  /** Slots that are drafted for, with as many rows. */
  readonly slots: number;
  readonly most: number;
  /** What a step of so many rows takes. */
  readonly cost: (rows: number) => number;
  /** What drafting, and rows that turn out wrong, may take in all. */
  readonly allowanceMs: number;
};

export class DraftPace {
  #right = 0;
  #all = 0;
  #tokenMs = 0;

  get chance(): number {
    return (this.#right + PRIOR_WEIGHT * PRIOR) / (this.#all + PRIOR_WEIGHT);
  }

  length({ slots, most, cost, allowanceMs }: Steps): number {
    const plainMs = cost(slots);
    let best = { rate: (WORTHWHILE * slots) / plainMs, length: 0 };
    let gained = slots;
    for (let length = 1; length <= most; length += 1) {
      gained += slots * this.chance ** length;
      const durationMs = cost(slots * (1 + length)) + length * this.#tokenMs;
      if (durationMs - plainMs > allowanceMs) break;
      const rate = gained / durationMs;
      if (rate > best.rate) best = { rate, length };
    }
    if (best.length === 0) {
      this.#right *= FORGETTING;
      this.#all *= FORGETTING;
    }
    return best.length;
  }

  /** Of a token that was drafted, once it is known what came. */
  observe(right: boolean): void {
    this.#right = this.#right * DECAY + (right ? 1 : 0);
    this.#all = this.#all * DECAY + 1;
  }

  /** What one token took, for all slots. */
  record(tokenMs: number): void {
    this.#tokenMs += (this.#tokenMs === 0 ? 1 : WEIGHT) * (tokenMs - this.#tokenMs);
  }
}
