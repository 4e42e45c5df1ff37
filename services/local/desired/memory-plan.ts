/**
 * How much memory a model that sleeps takes while it is awake, and how much context it gets for that. Pure.
 *
 * Such models share a budget, so each is given its context when it is listed and not, as a model that has the machine
 * to itself, from what happens to be free when it is loaded: what it takes has to be known before.
 */
import type { Inspection } from "@localmodel/localmodel/contracts/inspection.ts";
import {
  contextTokensOf,
  estimateMemory,
} from "@localmodel/localmodel/contracts/memory-estimate.ts";
import type { LocalModelSpec } from "@localmodel/localmodel/resource/localmodel.ts";

export type MemoryPlan = {
  readonly bytes: number;
  /** Of each slot, where it was chosen here; absent where it is asked for, or the header says nothing of it. */
  readonly contextTokens?: number;
};

/** Of the budget, for one model, where its context is chosen and not asked for. */
const SHARE = 0.5;
/** llama.cpp allocates caches in steps of so many tokens. */
const STEP_TOKENS = 256;

export function memoryPlan(
  inspection: Inspection,
  { engine, projector }: Pick<LocalModelSpec, "engine" | "projector">,
  budgetBytes: number,
): MemoryPlan {
  const served = { takesImages: projector !== undefined };
  const bytesWith = (contextTokens: number): number =>
    estimateMemory(inspection, { ...engine, contextTokens }, served).totalBytes;
  const least = contextTokensOf(engine, inspection);
  if (engine.contextTokens !== undefined) return { bytes: bytesWith(least) };
  // The more context, the more memory: the largest that fits is found by halving.
  let low = Math.floor(least / STEP_TOKENS);
  let high = Math.floor(inspection.trainContextTokens / STEP_TOKENS);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (bytesWith(middle * STEP_TOKENS) <= SHARE * budgetBytes) low = middle;
    else high = middle - 1;
  }
  const contextTokens = Math.max(least, low * STEP_TOKENS);
  return { bytes: bytesWith(contextTokens), ...(contextTokens > 0 && { contextTokens }) };
}
