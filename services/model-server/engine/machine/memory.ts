/**
 * Whether a context fits into this machine's memory, asked before llama.cpp is.
 *
 * The kernel grants memory it does not have and kills the process when it is used; a refusal with numbers
 * is worth more. Only what is certain is refused: models whose caches do not grow with every layer and
 * token (sliding windows, recurrent states) are left to llama.cpp.
 */
import type { EngineSpec } from "@localmodel/localmodel/resource/engine-spec.ts";
import { KV_ELEMENT_BYTES } from "@localmodel/localmodel/contracts/memory-estimate.ts";
import { architectureOf } from "../model/facts.ts";
import { DoesNotFitError } from "../model/load-error.ts";
import type { Metadata } from "../model/metadata.ts";

/** More than any model has; a file may claim anything. */
const MAX_LAYERS = 65_536;

export type ContextSize = {
  readonly contextTokens: number;
  readonly slots: number;
  readonly kvCacheType: EngineSpec["kvCacheType"];
  /** Contexts of that size; 1 if left out. */
  readonly contexts?: number;
};

/** Bytes of the key-value cache; undefined where the architecture does not follow the plain formula. */
export function kvCacheBytes(metadata: Metadata, size: ContextSize): number | undefined {
  const elements = isPlain(sectionOf(metadata)) ? keyValueElements(metadata) : undefined;
  if (elements === undefined) return undefined;
  return elements * KV_ELEMENT_BYTES[size.kvCacheType] * size.contextTokens * size.slots;
}

/**
 * Elements of keys and values that one token takes in all layers, at most: sliding windows keep fewer, and
 * layers without attention none. Undefined where the file does not say enough.
 */
export function keyValueElements(metadata: Metadata): number | undefined {
  const section = sectionOf(metadata);
  const { block_count: layers, attention } = section;
  if (layers === undefined || layers > MAX_LAYERS || attention === undefined) return undefined;
  const heads = perLayer(attention.head_count, layers);
  const kvHeads = perLayer(attention.head_count_kv ?? attention.head_count, layers);
  // Layers without attention have no heads to divide by.
  const headLength = (section.embedding_length ?? Number.NaN) / Math.max(...heads);
  const { key_length: keyLength = headLength, value_length: valueLength = headLength } = attention;
  const elements = kvHeads.reduce((sum, count) => sum + count, 0) * (keyLength + valueLength);
  return Number.isSafeInteger(elements) ? elements : undefined;
}

/** One number for each layer, whichever way the file says it. */
function perLayer(value: unknown, layers: number): readonly number[] {
  if (Array.isArray(value)) return value.map(Number).slice(0, layers);
  return typeof value === "number" ? Array.from({ length: layers }, () => value) : [];
}

function isPlain(section: Section): boolean {
  const { attention } = section;
  return (
    !("ssm" in section) &&
    attention?.sliding_window === undefined &&
    typeof attention?.head_count === "number" &&
    typeof (attention.head_count_kv ?? 0) === "number"
  );
}

function sectionOf(metadata: Metadata): Section {
  return metadata[architectureOf(metadata)] ?? {};
}

export function assertFits(
  metadata: Metadata,
  size: ContextSize,
  memory: { readonly availableBytes: number; readonly weightsBytes: number },
): void {
  const { slots, contextTokens, contexts = 1 } = size;
  const eachBytes = kvCacheBytes(metadata, size);
  if (eachBytes === undefined) return;
  const cacheBytes = contexts * eachBytes;
  if (cacheBytes + memory.weightsBytes <= memory.availableBytes) return;
  throw new DoesNotFitError(
    `This machine has not enough memory: ${gibibytes(memory.availableBytes)} are available, but the ` +
      `weights take ${gibibytes(memory.weightsBytes)} and ${contexts === 1 ? "a context" : `${contexts} contexts`} of ${slots} × ${contextTokens} ` +
      `tokens ${gibibytes(cacheBytes)}. Lower engine.contextTokens or engine.slots.`,
  );
}

/** What of the GGUF's architecture section the formula reads. */
type Section = {
  readonly block_count?: number;
  readonly embedding_length?: number;
  readonly attention?: Attention;
};

type Attention = {
  /** One number, or one for each layer. */
  readonly head_count?: unknown;
  readonly head_count_kv?: unknown;
  readonly key_length?: number;
  readonly value_length?: number;
  readonly sliding_window?: number;
};

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
