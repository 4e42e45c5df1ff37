/**
 * Whether a context fits into this machine's memory, asked before llama.cpp is.
 *
 * The kernel grants memory it does not have and kills the process when it is used; a refusal with numbers
 * is worth more. Only what is certain is refused: models whose caches do not grow with every layer and
 * token (sliding windows, recurrent states) are left to llama.cpp.
 */
import { architectureOf, type Metadata } from "./facts.ts";
import { DoesNotFitError } from "./load-error.ts";

export type ContextSize = {
  readonly contextTokens: number;
  readonly slots: number;
  readonly kvCacheType: string;
};

/** Bytes per element; quantised types store blocks of 32. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  f32: 4,
  f16: 2,
  bf16: 2,
  q8_0: 34 / 32,
  q5_1: 24 / 32,
  q5_0: 22 / 32,
  q4_1: 20 / 32,
  q4_0: 18 / 32,
};

/** Bytes of the key-value cache; undefined where the architecture does not follow the plain formula. */
export function kvCacheBytes(metadata: Metadata, size: ContextSize): number | undefined {
  const section = metadata[architectureOf(metadata)] as Section | undefined;
  const layers = section?.block_count;
  const tokenWidth = section?.attention && keyValueWidth(section, section.attention);
  if (layers === undefined || tokenWidth === undefined) return undefined;
  const elementBytes = ELEMENT_BYTES[size.kvCacheType] ?? 2;
  return layers * tokenWidth * elementBytes * size.contextTokens * size.slots;
}

/** Elements that one token takes in one layer. */
function keyValueWidth(section: Section, attention: Attention): number | undefined {
  const { head_count: heads, head_count_kv: kvHeads = heads } = attention;
  const irregular = "ssm" in section || attention.sliding_window !== undefined;
  if (irregular || typeof heads !== "number" || typeof kvHeads !== "number") return undefined;
  const headLength = (section.embedding_length ?? Number.NaN) / heads;
  const { key_length: keyLength = headLength, value_length: valueLength = headLength } = attention;
  const width = kvHeads * (keyLength + valueLength);
  return Number.isNaN(width) ? undefined : width;
}

export function assertFits(
  metadata: Metadata,
  size: ContextSize,
  memory: { readonly availableBytes: number; readonly weightsBytes: number },
): void {
  const cacheBytes = kvCacheBytes(metadata, size);
  if (cacheBytes === undefined) return;
  if (cacheBytes + memory.weightsBytes <= memory.availableBytes) return;
  const { slots, contextTokens } = size;
  throw new DoesNotFitError(
    `This machine has not enough memory: ${gibibytes(memory.availableBytes)} are available, but the ` +
      `weights take ${gibibytes(memory.weightsBytes)} and a context of ${slots} × ${contextTokens} ` +
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
