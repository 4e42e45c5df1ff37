/**
 * How many guessed tokens a step evaluates beside those that are certain. Pure.
 *
 * Each guess is a row more, and on a processor a step of two rows takes nearly twice as long as one of one. So guesses are
 * taken while they raise what counts: tokens gained per millisecond, by what steps of so many rows have taken here and how
 * often guesses have been right lately.
 */

/** A slot's guesses: how many there are, and the chance that one is right if those before it were. */
export type Guess = { readonly length: number; readonly chance: number };

/** What a step of so many rows is expected to take, in any unit. */
type StepCost = (rows: number) => number;

type DraftLimits = {
  /** Rows that the step has in any case: one for each slot that decodes. */
  readonly rows: number;
  /** Rows that may come to them. */
  readonly room: number;
};

/** What has to be gained for a guess to be worth the trouble: estimates are never exact. */
const WORTHWHILE = 1.05;

/** Tokens of each slot's guesses to evaluate, in the same order. */
export function draftLengths(
  guesses: readonly Guess[],
  { rows, room }: DraftLimits,
  cost: StepCost,
): readonly number[] {
  const tokens = guesses
    .flatMap(({ length, chance }, slot) =>
      Array.from({ length }, (_, index) => ({ slot, gain: chance ** (index + 1) })),
    )
    .toSorted((a, b) => b.gain - a.gain)
    .slice(0, Math.max(0, room));
  let best = { rate: (WORTHWHILE * rows) / cost(rows), count: 0 };
  let gained = rows;
  for (const [index, { gain }] of tokens.entries()) {
    gained += gain;
    const rate = gained / cost(rows + index + 1);
    if (rate > best.rate) best = { rate, count: index + 1 };
  }
  const lengths = guesses.map(() => 0);
  for (const { slot } of tokens.slice(0, best.count)) lengths[slot] = (lengths[slot] ?? 0) + 1;
  return lengths;
}
