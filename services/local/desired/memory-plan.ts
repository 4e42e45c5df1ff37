/**
 * How much memory a model takes while it is awake, and what its server is told for that. Pure.
 *
 * All models share budgets, so what one takes has to be known before it is loaded. What nobody says is decided here, and
 * not by its server from what happens to be free: how much memory beginnings of conversations get that no slot holds any
 * more, and, of a model that sleeps, how much context it has.
 */
import { computeBufferBytes } from "@localmodel/localmodel/contracts/device-memory.ts";
import type { Inspection } from "@localmodel/localmodel/contracts/inspection.ts";
import {
  contextTokensOf,
  encoderBytesOf,
  estimateMemory,
} from "@localmodel/localmodel/contracts/memory-estimate.ts";
import type { EngineSpec } from "@localmodel/localmodel/resource/engine-spec.ts";
import type { LocalModelSpec } from "@localmodel/localmodel/resource/localmodel.ts";
import type { Memory } from "./memory.ts";
import { isWhole, type Placeable, placed } from "./placement.ts";

export type MemoryPlan = {
  readonly needs: Placeable;
  /** What was decided here, beside what its document says. */
  readonly engine: Partial<Pick<EngineSpec, "contextTokens" | "promptCacheMiB">>;
};

type Planned = Pick<LocalModelSpec, "engine" | "projector"> & { readonly sleeps: boolean };

/** Of the budget, for one model, where its context is chosen and not asked for; on a GPU of what its weights leave. */
const SHARE = 0.5;
/** llama.cpp allocates caches in steps of so many tokens. */
const STEP_TOKENS = 256;

/** Of what a model takes that sleeps, so that others fit beside it; of what one leaves of the budget that stays. */
const PROMPT_CACHE_SHARE = 1 / 8;
const PROMPT_CACHE_MAX_MIB = 2048;
const MIB_BYTES = 2 ** 20;

export function memoryPlan(inspection: Inspection, planned: Planned, budget: Memory): MemoryPlan {
  const { engine, sleeps } = planned;
  const planWith = (contextTokens: number): MemoryPlan =>
    withPromptCache(bareNeeds(inspection, planned, contextTokens), planned, budget);
  const least = contextTokensOf(engine, inspection);
  if (engine.contextTokens !== undefined) return planWith(least);
  const fits = contextRule(planWith(least).needs, inspection.sizeBytes, budget);
  // The more context, the more memory: the largest that fits is found by halving.
  let low = Math.floor(least / STEP_TOKENS);
  let high = Math.floor(inspection.trainContextTokens / STEP_TOKENS);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(planWith(middle * STEP_TOKENS).needs)) low = middle;
    else high = middle - 1;
  }
  const contextTokens = Math.max(least, low * STEP_TOKENS);
  const plan = planWith(contextTokens);
  // One that stays may have the machine to itself: its server sees what is free.
  if (!sleeps || contextTokens === 0) return plan;
  return { ...plan, engine: { ...plan.engine, contextTokens } };
}

/** Before anything is kept of conversations, unless its document says how much. */
function bareNeeds(
  inspection: Inspection,
  { engine, projector }: Planned,
  contextTokens: number,
): Placeable {
  const takesImages = projector !== undefined;
  const { furtherBytes, embeddingDimensions, layers } = inspection;
  const estimate = estimateMemory(inspection, { ...engine, contextTokens }, { takesImages });
  return {
    totalBytes: estimate.totalBytes,
    layersBytes: inspection.sizeBytes + estimate.contextBytes,
    besideBytes: furtherBytes + (takesImages ? encoderBytesOf(inspection) : 0),
    computeBytes: computeBufferBytes(engine.batchTokens, embeddingDimensions),
    layers: layers + 1,
    askedLayers: engine.gpuLayers,
  };
}

/** What is kept of conversations is in the machine's memory, wherever the model is. */
function withPromptCache(needs: Placeable, { engine, sleeps }: Planned, budget: Memory) {
  if (engine.promptCacheMiB !== undefined) return { needs, engine: {} };
  const { totalBytes } = needs;
  const { ramBytes } = placed(needs, budget.deviceBytes);
  const leftBytes = Math.max(0, budget.ramBytes - ramBytes);
  const promptCacheMiB = promptCacheOf(leftBytes, sleeps ? totalBytes : leftBytes);
  return {
    needs: { ...needs, totalBytes: totalBytes + promptCacheMiB * MIB_BYTES },
    engine: { promptCacheMiB },
  };
}

/** One that GPUs hold whole with the least context stays there: more context must not push layers off. */
function contextRule(
  least: Placeable,
  weightsBytes: number,
  { ramBytes, deviceBytes }: Memory,
): (needs: Placeable) => boolean {
  if (!isWhole(least, deviceBytes)) return ({ totalBytes }) => totalBytes <= SHARE * ramBytes;
  const layersMaxBytes = weightsBytes + SHARE * (deviceBytes - weightsBytes);
  return (needs) =>
    isWhole(needs, deviceBytes) &&
    needs.layersBytes <= layersMaxBytes &&
    placed(needs, deviceBytes).ramBytes <= SHARE * ramBytes;
}

/** A share of `ofBytes`, and no more than is left. */
function promptCacheOf(leftBytes: number, ofBytes: number): number {
  const bytes = Math.min(leftBytes, ofBytes * PROMPT_CACHE_SHARE);
  return Math.min(PROMPT_CACHE_MAX_MIB, Math.floor(bytes / MIB_BYTES));
}
