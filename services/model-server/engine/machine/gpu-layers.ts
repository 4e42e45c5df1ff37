/**
 * How many layers go on the GPU where nobody says it: as many as fit beside what the context needs. Pure.
 *
 * llama.cpp puts on the GPU what it is told to, and fails when it does not fit; so what a layer takes is estimated from
 * the file's size, and some memory is left for the driver and whoever else uses the GPU.
 */
import {
  computeBufferBytes,
  neededDeviceBytes,
  usableDeviceBytes,
} from "@localmodel/localmodel/contracts/device-memory.ts";
import { cacheBytesPerToken } from "@localmodel/localmodel/contracts/cache-bytes.ts";
import { architectureValue } from "@localmodel/weights/gguf/capabilities.ts";
import type { Metadata } from "@localmodel/weights/gguf/metadata.ts";
import { keyValueElements } from "@localmodel/weights/gguf/key-value-elements.ts";
import type { ContextSize } from "./memory.ts";

type GpuContextSize = ContextSize & { readonly batchTokens: number };

/** llama.cpp counts the output layer as one more; more than there are means all. */
export const ALL_LAYERS = 10_000;

export type GpuPlan = {
  /** What llama.cpp is told: `ALL_LAYERS`, or as many as fit. */
  readonly layers: number;
  /** All there are, the output layer included; `ALL_LAYERS` where the header does not tell. */
  readonly ofLayers: number;
  /** Free memory that would take all of them. */
  readonly neededBytes: number;
};

export function gpuLayersThatFit(
  metadata: Metadata,
  { contextTokens, slots, batchTokens, ...types }: GpuContextSize,
  { sizeBytes, freeBytes }: { readonly sizeBytes: number; readonly freeBytes: number },
): GpuPlan {
  const layers = architectureValue(metadata, "block_count");
  const embedding = architectureValue(metadata, "embedding_length");
  const elements = keyValueElements(metadata) ?? { keys: 0, values: 0 };
  const cacheBytes = cacheBytesPerToken(elements, types) * contextTokens * slots;
  const computeBytes = computeBufferBytes(
    batchTokens,
    typeof embedding === "number" ? embedding : 0,
  );
  const modelBytes = sizeBytes + cacheBytes;
  const neededBytes = neededDeviceBytes(modelBytes, computeBytes);
  if (typeof layers !== "number" || !(layers >= 1)) {
    const fits = sizeBytes < freeBytes;
    return { layers: fits ? ALL_LAYERS : 0, ofLayers: ALL_LAYERS, neededBytes };
  }
  const usable = usableDeviceBytes(freeBytes, computeBytes);
  // The output layer, and the embeddings that it may share, are among the layers.
  const fitting = Math.floor(usable / (modelBytes / (layers + 1)));
  const known = { ofLayers: layers + 1, neededBytes };
  return { ...known, layers: fitting > layers ? ALL_LAYERS : Math.max(0, fitting) };
}
