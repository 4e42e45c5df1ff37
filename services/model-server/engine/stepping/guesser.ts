/** What one generation guesses, and how it has done: for the size of the next guess, and for the counts that are told. */
import { Chances } from "./chances.ts";
import type { Guess } from "./drafts.ts";
import { Lookup, type Proposal } from "./lookup.ts";

export const NO_GUESS: Guess = { length: 0, chance: 0 };

/** What a draft model says may follow. */
type Offer = {
  readonly tokens: readonly number[];
  readonly chance: number;
  /** Told of each of them whether it came. */
  readonly observe: (right: boolean) => void;
};

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
  #offer: Offer | undefined;

  /** `tokens`: of prompt and answer, which grow. At most so many are guessed at a time. */
  constructor(tokens: readonly number[], most: number) {
    this.#tokens = tokens;
    this.#most = most;
    this.#lookup = new Lookup(tokens);
  }

  /** What was written before says of what may follow, without a step. */
  likelihood(left: number): number {
    const { tokens, matched } = this.#lookup.propose(Math.min(this.#most, left));
    return tokens.length === 0 ? 0 : this.#chances.after(matched);
  }

  /** For the next step, in place of what was written before. */
  offer(offer: Offer): void {
    this.#offer = offer;
  }

  /** Before a step, after whose certain tokens at most so many may follow. */
  guess(left: number): Guess {
    const offer = this.#offer;
    if (offer !== undefined) {
      const tokens = offer.tokens.slice(0, Math.max(0, Math.min(this.#most, left)));
      this.#guess = { at: this.#tokens.length, proposal: { tokens, matched: 0 }, taken: 0 };
      return { length: tokens.length, chance: offer.chance };
    }
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
    const offer = this.#offer;
    this.#guess = undefined;
    this.#offer = undefined;
    this.drafted += taken;
    for (const [index, token] of proposal.tokens.entries()) {
      const came = this.#tokens[at + index];
      if (came === undefined) return;
      if (offer === undefined) this.#chances.observe(came === token);
      else offer.observe(came === token);
      if (came !== token) return;
      if (index < taken) this.accepted += 1;
    }
  }
}
