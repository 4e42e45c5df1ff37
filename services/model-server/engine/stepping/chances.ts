/**
 * How often a slot's guesses are right, by how they have done lately.
 *
 * A guess that was not evaluated tells as much as one that was, once the token is there that it was a guess of: so whether
 * guesses would pay is known without making any.
 */

/** What is believed before there is anything to go by: this many observations. */
const PRIOR_WEIGHT = 2;
/** With each observation the earlier ones count less. */
const DECAY = 0.9;

export class Chances {
  #right = 0;
  #all = 0;

  /** Of a guess after so many tokens that agreed. */
  after(matched: number): number {
    const prior = matched / (matched + PRIOR_WEIGHT);
    return (this.#right + PRIOR_WEIGHT * prior) / (this.#all + PRIOR_WEIGHT);
  }

  observe(right: boolean): void {
    this.#right = this.#right * DECAY + (right ? 1 : 0);
    this.#all = this.#all * DECAY + 1;
  }
}
