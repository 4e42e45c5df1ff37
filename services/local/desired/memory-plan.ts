/**
 * How much memory a model takes while it is awake, and what its server is told for that. Pure.
 *
 * All models share a budget, so what one takes has to be known before it is loaded. What nobody says is decided here, and
 * not by its server from what happens to be free: how much memory beginnings of conversations get that no slot holds any
 * more, and, of a model that sleeps, how much context it has.
 */
import type { Inspection } from "@localmodel/localmodel/contracts/inspection.ts";
import {
  contextTokensOf,
  estimateMemory,
} from "@localmodel/localmodel/contracts/memory-estimate.ts";
import type { EngineSpec } from "@localmodel/localmodel/resource/engine-spec.ts";
import type { LocalModelSpec } from "@localmodel/localmodel/resource/localmodel.ts";

export type MemoryPlan = {
  readonly bytes: number;
  /** What was decided here, beside what its document says. */
  readonly engine: Partial<Pick<EngineSpec, "contextTokens" | "promptCacheMiB">>;
};

type Planned = Pick<LocalModelSpec, "engine" | "projector"> & { readonly sleeps: boolean };

/** Of the budget, for one model, where its context is chosen and not asked for. */
const SHARE = 0.5;
/** llama.cpp allocates caches in steps of so many tokens. */
const STEP_TOKENS = 256;

/** Of what a model takes that sleeps, so that others fit beside it; of what one leaves of the budget that stays. */
const PROMPT_CACHE_SHARE = 1 / 8;
const PROMPT_CACHE_MAX_MIB = 2048;
const MIB_BYTES = 2 ** 20;

export function memoryPlan(
  inspection: Inspection,
  { engine, projector, sleeps }: Planned,
  budgetBytes: number,
): MemoryPlan {
  const served = { takesImages: projector !== undefined };
  const planWith = (contextTokens: number): MemoryPlan => {
    const asked = { ...engine, contextTokens };
    const { totalBytes } = estimateMemory(inspection, asked, served);
    if (engine.promptCacheMiB !== undefined) return { bytes: totalBytes, engine: {} };
    const leftBytes = Math.max(0, budgetBytes - totalBytes);
    const promptCacheMiB = promptCacheOf(leftBytes, sleeps ? totalBytes : leftBytes);
    return { bytes: totalBytes + promptCacheMiB * MIB_BYTES, engine: { promptCacheMiB } };
  };
  const least = contextTokensOf(engine, inspection);
  if (engine.contextTokens !== undefined) return planWith(least);
  // The more context, the more memory: the largest that fits is found by halving.
  let low = Math.floor(least / STEP_TOKENS);
  let high = Math.floor(inspection.trainContextTokens / STEP_TOKENS);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (planWith(middle * STEP_TOKENS).bytes <= SHARE * budgetBytes) low = middle;
    else high = middle - 1;
  }
  const contextTokens = Math.max(least, low * STEP_TOKENS);
  const plan = planWith(contextTokens);
  // One that stays may have the machine to itself: its server sees what is free.
  if (!sleeps || contextTokens === 0) return plan;
  return { ...plan, engine: { ...plan.engine, contextTokens } };
}

/** A share of `ofBytes`, and no more than is left. */
function promptCacheOf(leftBytes: number, ofBytes: number): number {
  const bytes = Math.min(leftBytes, ofBytes * PROMPT_CACHE_SHARE);
  return Math.min(PROMPT_CACHE_MAX_MIB, Math.floor(bytes / MIB_BYTES));
}
