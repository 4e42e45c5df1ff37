/** How much a token takes in the key-value cache, by the header of a GGUF. Pure. */
import type { CacheElements } from "@localmodel/localmodel/contracts/cache-bytes.ts";
import { architectureOf } from "./capabilities.ts";
import type { Metadata } from "./metadata.ts";

/** More than any model has; a file may claim anything. */
const MAX_LAYERS = 65_536;

/** What of the GGUF's architecture section the formula reads. */
export type Section = {
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

/**
 * Elements of keys and values that one token takes in all layers, at most: sliding windows keep fewer, and
 * layers without attention none. Undefined where the file does not say enough.
 */
export function keyValueElements(metadata: Metadata): CacheElements | undefined {
  const section = sectionOf(metadata);
  const { block_count: layers, attention } = section;
  if (layers === undefined || layers > MAX_LAYERS || attention === undefined) return undefined;
  const heads = perLayer(attention.head_count, layers);
  const kvHeads = perLayer(attention.head_count_kv ?? attention.head_count, layers);
  // Layers without attention have no heads to divide by.
  const headLength = (section.embedding_length ?? Number.NaN) / Math.max(...heads);
  const { key_length: keyLength = headLength, value_length: valueLength = headLength } = attention;
  const allHeads = kvHeads.reduce((sum, count) => sum + count, 0);
  const [keys, values] = [allHeads * keyLength, allHeads * valueLength];
  return Number.isSafeInteger(keys) && Number.isSafeInteger(values) ? { keys, values } : undefined;
}

export function sectionOf(metadata: Metadata): Section {
  return metadata[architectureOf(metadata)] ?? {};
}

/** One number for each layer, whichever way the file says it. */
function perLayer(value: unknown, layers: number): readonly number[] {
  if (Array.isArray(value)) return value.map(Number).slice(0, layers);
  return typeof value === "number" ? Array.from({ length: layers }, () => value) : [];
}
