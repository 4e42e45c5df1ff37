/** What one generation guesses, and how it has done: for the size of the next guess, and for the counts that are told. */
import { Chances } from "./chances.ts";
import type { Guess } from "./drafts.ts";
import { Lookup, type Proposal } from "./lookup.ts";

export const NO_GUESS: Guess = { length: 0, chance: 0 };

export class Guesser {
  /** Guesses that were evaluated. */
  drafted = 0;
  /** Of these, the tokens that came. */
  accepted = 0;
  readonly #tokens: readonly number[];
  readonly #most: number;
  readonly #lookup: Lookup;
  readonly #chances = new Chances();
  /** Of the step that is under way: what may follow the tokens there were, and how much of it is evaluated. */
  #guess: { readonly at: number; readonly proposal: Proposal; taken: number } | undefined;

  /** `tokens`: of prompt and answer, which grow. At most so many are guessed at a time. */
  constructor(tokens: readonly number[], most: number) {
    this.#tokens = tokens;
    this.#most = most;
    this.#lookup = new Lookup(tokens);
  }

  /** Before a step, after whose certain tokens at most so many may follow. */
  guess(left: number): Guess {
    const proposal = this.#lookup.propose(Math.min(this.#most, left));
    const { length } = proposal.tokens;
    if (length === 0) return NO_GUESS;
    this.#guess = { at: this.#tokens.length, proposal, taken: 0 };
    return { length, chance: this.#chances.after(proposal.matched) };
  }

  /** The first tokens of the guess, to be evaluated. */
  take(count: number): readonly number[] {
    if (this.#guess === undefined) return [];
    const taken = this.#guess.proposal.tokens.slice(0, count);
    this.#guess.taken = taken.length;
    return taken;
  }

  /** After the step: from what has come where something was guessed. */
  learn(): void {
    if (this.#guess === undefined) return;
    const { at, proposal, taken } = this.#guess;
    this.#guess = undefined;
    this.drafted += taken;
    for (const [index, token] of proposal.tokens.entries()) {
      const came = this.#tokens[at + index];
      if (came === undefined) return;
      this.#chances.observe(came === token);
      if (came !== token) return;
      if (index < taken) this.accepted += 1;
    }
  }
}
