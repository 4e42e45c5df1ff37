/**
 * Whether a draft model can be one for these weights, as far as headers tell, before anything is fetched. Whether token by token
 * the vocabularies are the same, the engine looks when it has them. Pure.
 */
import type { GgufValues } from "@localmodel/weights/gguf/gguf-header.ts";

/** Vocabularies of one family are padded to different lengths. */
const PADDING_TOKENS = 256;

export function draftProblem(weights: GgufValues, draft: GgufValues): string | undefined {
  const [kind, drafts] = [kindOf(weights), kindOf(draft)];
  if (kind !== drafts) {
    return `spec.draft cannot draft for this model: its tokenizer is ${drafts}, not ${kind}`;
  }
  const [own, other] = [tokensOf(weights), tokensOf(draft)];
  if (Math.abs(own - other) <= PADDING_TOKENS) return undefined;
  return `spec.draft cannot draft for this model: its vocabulary has ${other} tokens, not ${own}`;
}

function kindOf(values: GgufValues): string {
  const kind = values.get("tokenizer.ggml.model");
  return typeof kind === "string" ? kind : "none";
}

function tokensOf(values: GgufValues): number {
  const tokens = values.get("tokenizer.ggml.tokens");
  return typeof tokens === "object" ? tokens.length : 0;
}
