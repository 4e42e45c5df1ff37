/** A request's sampling as a chain of llama.cpp's samplers, in the order in which its server has them. Pure. */
import type { Sampling } from "@localmodel/inference/generate.ts";
import type { Stage } from "@localmodel/llama/sampling/stages.ts";

/** How far penalties look back: the last tokens of the prompt and of what was generated. */
export const PENALTY_WINDOW_TOKENS = 64;

/**
 * A token is drawn by adding up probabilities until they exceed a random number. In the order of the vocabulary the least
 * difference of a logit, as it depends on who else is in the batch, moves every sum after it; with the likely tokens
 * first the same seed draws the same token in any company. What is left out is never drawn in a lifetime.
 */
const ALMOST_ALL = 1 - 1e-6;

export function stagesOf(sampling: Sampling, seed: number): readonly Stage[] {
  return [...shapingOf(sampling), ...choosingOf(sampling, seed)];
}

/** What changes which token is the likeliest. */
function shapingOf(sampling: Sampling): readonly Stage[] {
  const { logitBias, repeatPenalty, frequencyPenalty, presencePenalty } = sampling;
  const penalised = repeatPenalty !== 1 || frequencyPenalty !== 0 || presencePenalty !== 0;
  return [
    ...stageIf(logitBias.length > 0, { type: "logitBias", biases: logitBias }),
    ...stageIf(penalised, {
      type: "penalties",
      lastTokens: PENALTY_WINDOW_TOKENS,
      repeat: repeatPenalty,
      frequency: frequencyPenalty,
      presence: presencePenalty,
    }),
  ];
}

function choosingOf({ temperature, topK, topP, minP }: Sampling, seed: number): readonly Stage[] {
  if (temperature === 0) return [{ type: "greedy" }];
  return [
    ...stageIf(topK > 0, { type: "topK", k: topK }),
    ...stageIf(topP < 1, { type: "topP", p: topP, minKeep: 1 }),
    ...stageIf(minP > 0, { type: "minP", p: minP, minKeep: 1 }),
    { type: "temperature", temperature },
    // What drops candidates puts the likely ones first.
    ...stageIf(topK === 0 && topP >= 1, { type: "topP", p: ALMOST_ALL, minKeep: 1 }),
    { type: "dist", seed },
  ];
}

function stageIf(needed: boolean, stage: Stage): readonly Stage[] {
  return needed ? [stage] : [];
}
