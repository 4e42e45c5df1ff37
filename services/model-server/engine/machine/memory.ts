/**
 * Whether a context fits into this machine's memory, asked before llama.cpp is.
 *
 * The kernel grants memory it does not have and kills the process when it is used; a refusal with numbers
 * is worth more. Only what is certain is refused: models whose caches do not grow with every layer and
 * token (sliding windows, recurrent states) are left to llama.cpp.
 */
import {
  cacheBytesPerToken,
  type CacheTypes,
} from "@localmodel/localmodel/contracts/cache-bytes.ts";
import { DoesNotFitError } from "../model/load-error.ts";
import {
  keyValueElements,
  type Section,
  sectionOf,
} from "@localmodel/weights/gguf/key-value-elements.ts";
import type { Metadata } from "@localmodel/weights/gguf/metadata.ts";

export type ContextSize = CacheTypes & {
  readonly contextTokens: number;
  readonly slots: number;
};

/** Bytes of the key-value cache; undefined where the architecture does not follow the plain formula. */
export function kvCacheBytes(metadata: Metadata, size: ContextSize): number | undefined {
  const elements = isPlain(sectionOf(metadata)) ? keyValueElements(metadata) : undefined;
  if (elements === undefined) return undefined;
  return cacheBytesPerToken(elements, size) * size.contextTokens * size.slots;
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

export function assertFits(
  metadata: Metadata,
  size: ContextSize,
  memory: { readonly availableBytes: number; readonly weightsBytes: number },
): void {
  const { slots, contextTokens } = size;
  const cacheBytes = kvCacheBytes(metadata, size);
  if (cacheBytes === undefined) return;
  if (cacheBytes + memory.weightsBytes <= memory.availableBytes) return;
  throw new DoesNotFitError(
    `This machine has not enough memory: ${gibibytes(memory.availableBytes)} are available, but the ` +
      `weights take ${gibibytes(memory.weightsBytes)} and a context of ${slots} × ${contextTokens} ` +
      `tokens ${gibibytes(cacheBytes)}. Lower engine.contextTokens or engine.slots.`,
  );
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
