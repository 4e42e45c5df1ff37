/**
 * What guessing may still cost. Pure, but for remembering a balance, in milliseconds.
 *
 * A step with guesses is a wager on time. Every step that decodes pays a hundredth of its time in; what wrong guesses take is
 * taken out, by the clock, and what right ones save is paid in, up to a bound. A step may guess no more than the balance
 * covers if all of it is wrong. So whatever is guessed, and however wrong the chances were, all steps together take at most
 * a hundredth longer than without guesses, and `FIRST_STEPS` once.
 */

/** Of each step's time. */
const SHARE = 0.01;
/** What there is to begin with, in steps. */
const FIRST_STEPS = 2;
/** The most that is put by, in steps: what was saved long ago is no reason to waste as much now. */
const MOST_STEPS = 16;

type Settled = {
  readonly durationMs: number;
  /** What a step takes that guesses nothing, and how many such steps the tokens that came would have taken. */
  readonly plainMs: number;
  readonly plainSteps: number;
};

export class SpeculationLedger {
  #balanceMs: number | undefined;

  /** What the next step may take longer than one without guesses, which takes `plainMs`. */
  allowanceMs(plainMs: number): number {
    return this.#balanceMs ?? FIRST_STEPS * plainMs;
  }

  record({ durationMs, plainMs, plainSteps }: Settled): void {
    const wouldTakeMs = plainSteps * plainMs;
    const balanceMs = this.allowanceMs(plainMs) + (1 + SHARE) * wouldTakeMs - durationMs;
    this.#balanceMs = Math.min(balanceMs, MOST_STEPS * plainMs);
  }
}
