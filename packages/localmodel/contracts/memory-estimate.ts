/**
 * How much memory a model will take, from its header and its settings alone: what its pods request when
 * their author does not say.
 *
 * The estimate is of everything a container is charged for at its peak: the weights (mapped files count as
 * soon as they are read), the key-value cache of all slots, and a margin for compute buffers and the two
 * Node processes. It errs on the high side: a pod that requests too much waits for a node, one that
 * requests too little is killed while it serves.
 *
 * Measured with SmolLM2-135M, all slots busy (peak resident memory of both processes, in MiB): 4 slots 789 of an
 * estimated 954, 8 slots 1190 of 1314, 4 with a q8_0 cache 621 of 785, 16 of 512 tokens 656 of 774, 1 of 2048
 * tokens 385 of 639.
 */
import type { EngineSpec } from "../resource/engine-spec.ts";
import { bodiesMaxBytes } from "./body-limits.ts";
import { cacheBytesPerToken, mostCacheBytesPerToken } from "./cache-bytes.ts";
import {
  DECODER_MAX_BYTES,
  FETCHED_MAX_BYTES,
  PICTURES_MAX_BYTES,
  rowsMaxBytes,
} from "./picture-limits.ts";
import type { Inspection } from "./inspection.ts";

/** Unless the LocalModel says otherwise, a slot is not given more than this much context. */
export const DEFAULT_CONTEXT_TOKENS = 4096;

/** llama.cpp allocates the cache of a context in steps of so many tokens. */
const CACHE_STEP_TOKENS = 256;

/** Both Node processes with their libraries, and what waits to be collected. */
const PROCESSES_BYTES = 320 * 2 ** 20;
/** Of a body: as bytes, as text, as what is asked, on its way to the engine, and there as much again. */
const BODY_COPIES = 10;
/** Of one whose images are most of it: as bytes, as text, as files. What they decode to is counted apart. */
const IMAGE_BODY_COPIES = 3;
/** Decoded pictures are with the server and, until they are evaluated, with the engine. */
const PICTURE_COPIES = 2;
/** Where a projector's header does not tell what it computes in. */
const ENCODER_BYTES = 512 * 2 ** 20;
/** Texts and tables the engine process keeps for each token of the vocabulary. */
const BYTES_PER_VOCABULARY_TOKEN = 1024;
/** Of the compute buffers, for each token of a batch: activations as multiples of the embedding. */
const ACTIVATIONS_PER_EMBEDDING = 32;
const FLOAT_BYTES = 4;

export type MemoryEstimate = {
  readonly weightsBytes: number;
  readonly contextBytes: number;
  readonly marginBytes: number;
  readonly totalBytes: number;
};

type Served = {
  /** With a projector. */
  readonly takesImages?: boolean;
};

export function estimateMemory(
  inspection: Inspection,
  engine: EngineSpec,
  { takesImages = false }: Served = {},
): MemoryEstimate {
  const weightsBytes = inspection.sizeBytes + inspection.furtherBytes;
  const contextBytes = Math.ceil(
    (bytesPerToken(inspection, engine) +
      mostCacheBytesPerToken(inspection.draftElements ?? 0, engine)) *
      cacheTokens(inspection, engine),
  );
  const marginBytes =
    PROCESSES_BYTES +
    vocabularyBytes(inspection) +
    (engine.promptCacheMiB ?? 0) * 2 ** 20 +
    BODY_COPIES * bodiesMaxBytes(contextTokensOf(engine, inspection)) +
    // A draft model has a context of its own, and fewer dimensions.
    (inspection.draftElements === undefined ? 1 : 2) * batchBytes(inspection, engine) +
    (takesImages ? imageBytes(inspection, engine) : 0);
  return {
    weightsBytes,
    contextBytes,
    marginBytes,
    totalBytes: weightsBytes + contextBytes + marginBytes,
  };
}

/** What a projector computes in, beside its file. */
export function encoderBytesOf({ encoderBytes = ENCODER_BYTES }: EncoderFacts): number {
  return encoderBytes;
}

type EncoderFacts = { readonly encoderBytes?: number | undefined };

function imageBytes(inspection: Inspection, engine: EngineSpec): number {
  const { rowDimensions = inspection.embeddingDimensions } = inspection;
  const contextTokens = contextTokensOf(engine, inspection);
  const bodiesBytes = bodiesMaxBytes(contextTokens, true);
  return (
    IMAGE_BODY_COPIES * bodiesBytes +
    PICTURE_COPIES * PICTURES_MAX_BYTES +
    FETCHED_MAX_BYTES +
    DECODER_MAX_BYTES +
    encoderBytesOf(inspection) +
    rowsMaxBytes(contextTokens, rowDimensions)
  );
}

/** Where each position has a vector of its own in the weights, llama.cpp ends the process at one that has none. */
const LEARNED_POSITIONS: ReadonlySet<string> = new Set(["bert", "gpt2", "mpt", "starcoder"]);

/** The context of each slot, in tokens, as the engine chooses it. */
export function contextTokensOf(
  engine: Pick<EngineSpec, "contextTokens">,
  { architecture, trainContextTokens }: Pick<Inspection, "architecture" | "trainContextTokens">,
): number {
  const tokens = engine.contextTokens ?? Math.min(trainContextTokens, DEFAULT_CONTEXT_TOKENS);
  return LEARNED_POSITIONS.has(architecture) ? Math.min(tokens, trainContextTokens) : tokens;
}

function cacheTokens(inspection: Inspection, engine: EngineSpec): number {
  const tokens = contextTokensOf(engine, inspection) * engine.slots;
  return Math.ceil(tokens / CACHE_STEP_TOKENS) * CACHE_STEP_TOKENS;
}

/** Where the header does not tell: keys and values as long as the embedding, which is the most there is. */
function bytesPerToken(inspection: Inspection, engine: EngineSpec): number {
  const { keyValueElements: elements, keyElements: keys } = inspection;
  const most = inspection.layers * inspection.embeddingDimensions;
  if (elements === undefined) return cacheBytesPerToken({ keys: most, values: most }, engine);
  if (keys === undefined) return mostCacheBytesPerToken(elements, engine);
  return cacheBytesPerToken({ keys, values: Math.max(0, elements - keys) }, engine);
}

function vocabularyBytes({ vocabularyTokens }: Inspection): number {
  return vocabularyTokens * BYTES_PER_VOCABULARY_TOKEN;
}

/** The largest batch asks for the logits of every token at once; they are most of it. */
function batchBytes(
  { vocabularyTokens, embeddingDimensions }: Inspection,
  { batchTokens }: EngineSpec,
): number {
  const floatsPerToken = vocabularyTokens + ACTIVATIONS_PER_EMBEDDING * embeddingDimensions;
  return batchTokens * floatsPerToken * FLOAT_BYTES;
}
