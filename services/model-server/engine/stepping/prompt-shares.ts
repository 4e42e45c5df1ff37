/**
 * Which prompts are evaluated next, and how much of each. Pure.
 *
 * One after the other: prompts that share every step evenly all end when the last of them does, and nobody has his first
 * token sooner for it. Whoever has waited the most for what is left of him comes first, so a short prompt passes a
 * long one, and a long one that has waited long enough passes short ones.
 */

export type Waiting = {
  /** Still to be evaluated; 0 where nothing is wanted. */
  readonly tokens: number;
  /** Tokens of all prompts that were evaluated while it was there: a clock that does not depend on the machine. */
  readonly waited: number;
};

/** As though each had waited so long before it came: one that has just come and is short need not wait a step for it. */
const HEAD_START_TOKENS = 256;

/** Tokens for each, in the same order. A prompt that fits into a step is evaluated in one. */
export function shareBudget(budget: number, all: readonly Waiting[]): number[] {
  const shares = all.map(() => 0);
  let left = budget;
  for (const { index, tokens } of inOrder(all)) {
    // Those that a step ends are told sooner without the beginning of one that the next step ends as well.
    if (tokens > left && tokens <= budget) continue;
    const share = Math.min(left, tokens);
    shares[index] = share;
    left -= share;
  }
  return shares;
}

/** Who wants something, the most urgent first; of those that have waited equally much, the shorter one. */
function inOrder(all: readonly Waiting[]) {
  return all
    .map(({ tokens, waited }, index) => ({
      index,
      tokens,
      urgency: (waited + HEAD_START_TOKENS) / tokens,
    }))
    .filter(({ tokens }) => tokens > 0)
    .toSorted((a, b) => (a.urgency === b.urgency ? a.tokens - b.tokens : b.urgency - a.urgency));
}
