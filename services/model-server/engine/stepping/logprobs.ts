/**
 * Log probabilities as OpenAI means them: of the model's own distribution, before temperature, top_p
 * and the like. Never -Infinity, which JSON cannot say.
 */
import type { TokenLogprob } from "@localmodel/inference/generate.ts";
import type { Logprobs } from "@localmodel/llama/sampling/logprobs.ts";
import type { Vocabulary } from "../text/vocabulary.ts";

/** What OpenAI answers for a token too unlikely to have a probability. */
const UNLIKELY = -9999;

/** `chosen` in the light of what was before it; `found` is undefined for a prompt's first token, which nothing predicts. */
export function tokenLogprob(
  vocabulary: Vocabulary,
  chosen: number,
  found: Logprobs | undefined,
): TokenLogprob {
  const label = labelled(vocabulary, chosen);
  if (found === undefined) return { ...label, logprob: null, top: [] };
  return {
    ...label,
    logprob: sayable(found.logprob),
    top: found.top.map(({ token, logprob }) => ({
      ...labelled(vocabulary, token),
      logprob: sayable(logprob),
    })),
  };
}

function labelled(vocabulary: Vocabulary, token: number) {
  const bytes = vocabulary.labelBytes(token);
  return { token: Buffer.from(bytes).toString("utf8"), bytes: [...bytes] };
}

function sayable(logprob: number): number {
  // Not "<": what a broken model computes may be no number.
  return logprob > UNLIKELY ? Math.min(0, logprob) : UNLIKELY;
}
