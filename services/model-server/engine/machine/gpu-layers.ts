/**
 * How many layers go on the GPU where nobody says it: as many as fit beside what the context needs. Pure.
 *
 * llama.cpp puts on the GPU what it is told to, and fails when it does not fit; so what a layer takes is estimated from
 * the file's size, and some memory is left for the driver and whoever else uses the GPU.
 */
import { KV_ELEMENT_BYTES } from "@localmodel/localmodel/contracts/memory-estimate.ts";
import { architectureValue } from "@localmodel/weights/gguf/capabilities.ts";
import type { Metadata } from "@localmodel/weights/gguf/metadata.ts";
import { keyValueElements } from "@localmodel/weights/gguf/key-value-elements.ts";
import type { ContextSize } from "./memory.ts";

/** Of the free memory, for what nobody counts: the driver's own, fragments, a display. */
const SPARE_SHARE = 0.06;
const SPARE_BYTES = 300 * 2 ** 20;
/** Of the compute buffers, for each token of a batch: activations as multiples of the embedding, as floats. */
const ACTIVATION_BYTES_PER_EMBEDDING = 64 * 4;

type GpuContextSize = ContextSize & { readonly batchTokens: number };

/** llama.cpp counts the output layer as one more; more than there are means all. */
const ALL = 10_000;

export function gpuLayersThatFit(
  metadata: Metadata,
  { contextTokens, slots, kvCacheType, batchTokens }: GpuContextSize,
  { sizeBytes, freeBytes }: { readonly sizeBytes: number; readonly freeBytes: number },
): number {
  const layers = architectureValue(metadata, "block_count");
  const embedding = architectureValue(metadata, "embedding_length");
  if (typeof layers !== "number" || !(layers >= 1)) return sizeBytes < freeBytes ? ALL : 0;
  const elements = keyValueElements(metadata) ?? 0;
  const cacheBytes = elements * KV_ELEMENT_BYTES[kvCacheType] * contextTokens * slots;
  const activations =
    typeof embedding === "number" ? embedding * ACTIVATION_BYTES_PER_EMBEDDING : 0;
  const usable = freeBytes * (1 - SPARE_SHARE) - SPARE_BYTES - batchTokens * activations;
  // The output layer, and the embeddings that it may share, are among the layers.
  const layerBytes = (sizeBytes + cacheBytes) / (layers + 1);
  const fitting = Math.floor(usable / layerBytes);
  return fitting > layers ? ALL : Math.max(0, fitting);
}
