/**
 * Log probabilities as OpenAI means them: of the model's own distribution, before temperature, top_p
 * and the like. Never -Infinity, which JSON cannot say.
 */
import type { TokenLogprob } from "@localmodel/inference/generate.ts";
import type { Distribution } from "./sequence.ts";
import type { Vocabulary } from "../text/vocabulary.ts";

/** What OpenAI answers for a token too unlikely to have a probability. */
const UNLIKELY = -9999;

/** `chosen` in the light of `distribution`; undefined for a prompt's first token, which has none. */
export function tokenLogprob(
  vocabulary: Vocabulary,
  chosen: number,
  distribution: Distribution | undefined,
  top: number,
): TokenLogprob {
  const label = labelled(vocabulary, chosen);
  if (distribution === undefined) return { ...label, logprob: null, top: [] };
  const best: TokenLogprob["top"][number][] = [];
  for (const [token, probability] of distribution) {
    if (best.length >= top) break;
    best.push({ ...labelled(vocabulary, token), logprob: logOf(probability) });
  }
  return { ...label, logprob: logOf(distribution.get(chosen)), top: best };
}

function labelled(vocabulary: Vocabulary, token: number) {
  const bytes = vocabulary.labelBytes(token);
  return { token: Buffer.from(bytes).toString("utf8"), bytes: [...bytes] };
}

function logOf(probability: number | undefined): number {
  // Not "<= 0": a broken model's probabilities may be NaN.
  if (probability === undefined || !(probability > 0)) return UNLIKELY;
  return Math.max(UNLIKELY, Math.log(probability));
}
