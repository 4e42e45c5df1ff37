/**
 * Who evaluates how many tokens in the next step. Pure.
 *
 * A slot that decodes evaluates its one token in every step; prompts have a budget, which the clock gives, behind what is
 * put into answers. A prompt's last token has an output like any other, so prompts end and answers begin in the same step
 * as everybody else's.
 */
import type { Guess } from "./drafts.ts";
import { shareBudget } from "./prompt-shares.ts";

export type SlotNeed = {
  /** Tokens of the prompt that are not evaluated yet; 0 while decoding. */
  readonly prompt: number;
  /** Tokens of all prompts that were evaluated while this one was there. */
  readonly waited: number;
  /** Tokens of the answer, beside the one of every step, that can be evaluated without a choice. */
  readonly put: number;
  /** Whether every token has an output. */
  readonly scored: boolean;
  /** What may follow: rows that are evaluated beside the others, where it is worth its while. */
  readonly guess: Guess;
};

type StepLimits = {
  /** Tokens of prompts, and of answers where they are put there. */
  readonly promptTokens: number;
  readonly batchTokens: number;
  readonly outputs: number;
};

/** Tokens for each slot, in the same order. With nothing to decode at least one slot gets some. */
export function composeStep(
  needs: readonly Omit<SlotNeed, "guess">[],
  limits: StepLimits,
): readonly number[] {
  const decoding = needs.filter(({ prompt }) => prompt === 0).length;
  const room = Math.max(0, limits.batchTokens - decoding);
  const shares = shareBudget(
    Math.min(limits.promptTokens, room),
    needs.map(({ prompt, put, waited }) =>
      prompt === 0 ? { tokens: put, waited: Number.POSITIVE_INFINITY } : { tokens: prompt, waited },
    ),
  );
  // Each of the others may need one output.
  let outputs = limits.outputs - needs.length;
  return needs.map(({ prompt, scored }, index) => {
    const share = (shares[index] ?? 0) + (prompt === 0 ? 1 : 0);
    if (!scored || share === 0) return share;
    const tokens = Math.min(share, outputs + 1);
    outputs -= tokens - 1;
    return tokens;
  });
}
