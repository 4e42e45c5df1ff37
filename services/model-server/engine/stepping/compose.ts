/**
 * Who evaluates how many tokens in the next step. Pure.
 *
 * A slot that decodes evaluates its one token in every step; prompts share a budget, which the clock gives. A prompt's
 * last token has an output like any other, so prompts end and answers begin in the same step as everybody else's.
 */
import { shareBudget } from "./pace.ts";

export type SlotNeed = {
  /** Tokens of the prompt that are not evaluated yet; 0 while decoding. */
  readonly prompt: number;
  /** Whether every token of the prompt has an output. */
  readonly scored: boolean;
};

type StepLimits = {
  /** Tokens of prompts. */
  readonly promptTokens: number;
  readonly batchTokens: number;
  readonly outputs: number;
};

/** Tokens for each slot, in the same order. With nothing to decode at least one slot gets some. */
export function composeStep(needs: readonly SlotNeed[], limits: StepLimits): readonly number[] {
  const decoding = needs.filter(({ prompt }) => prompt === 0).length;
  const room = Math.max(0, limits.batchTokens - decoding);
  const shares = shareBudget(
    Math.min(limits.promptTokens, room),
    needs.map(({ prompt }) => prompt),
  );
  // Each of the others may need one output.
  let outputs = limits.outputs - needs.length;
  return needs.map(({ prompt, scored }, index) => {
    if (prompt === 0) return 1;
    const share = shares[index] ?? 0;
    if (!scored || share === 0) return share;
    const tokens = Math.min(share, outputs + 1);
    outputs -= tokens - 1;
    return tokens;
  });
}
