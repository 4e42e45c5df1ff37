/**
 * How much context a slot gets where nobody says it: what the model was trained for, as far as memory allows.
 *
 * Agents send prompts of tens of thousands of tokens, and a model that could take them should. But the caches of all
 * slots are claimed when it is loaded, whether or not anybody needs them, so they get a share of what is free and leave
 * the rest to other models.
 */
import { cacheBytesPerToken } from "@localmodel/localmodel/contracts/cache-bytes.ts";
import { DEFAULT_CONTEXT_TOKENS } from "@localmodel/localmodel/contracts/memory-estimate.ts";
import type { Metadata } from "@localmodel/weights/gguf/metadata.ts";
import { keyValueElements } from "@localmodel/weights/gguf/key-value-elements.ts";
import type { ContextSize } from "./memory.ts";

/** Of the memory that the weights leave. */
const SHARE = 0.5;
/** llama.cpp allocates caches in steps of so many tokens. */
const STEP_TOKENS = 256;

/** Never less than what a slot gets without a look at memory: that it does not fit is told elsewhere. */
export function defaultContextTokens(
  metadata: Metadata,
  trainContextTokens: number,
  { slots, ...types }: Omit<ContextSize, "contextTokens">,
  freeBytes: number,
): number {
  const least = Math.min(trainContextTokens, DEFAULT_CONTEXT_TOKENS);
  const elements = keyValueElements(metadata);
  const tokenBytes = elements === undefined ? 0 : cacheBytesPerToken(elements, types);
  if (tokenBytes <= 0) return least;
  const bytesPerToken = tokenBytes * slots;
  const steps = Math.floor((SHARE * freeBytes) / bytesPerToken / STEP_TOKENS);
  return Math.max(least, Math.min(trainContextTokens, steps * STEP_TOKENS));
}
