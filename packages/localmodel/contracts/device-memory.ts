/**
 * How much memory of a device a model needs to be on it whole: what the model server goes by when it loads, and the
 * operator when it chooses nodes, so that a node is never chosen whose device the server then finds too small.
 */

/** Of the free memory, for what nobody counts: the driver's own, fragments, a display. */
const SPARE_SHARE = 0.06;
const SPARE_BYTES = 300 * 2 ** 20;
/** Of the compute buffers, for each token of a batch: activations as multiples of the embedding, as floats. */
const ACTIVATION_BYTES_PER_EMBEDDING = 64 * 4;

export function computeBufferBytes(batchTokens: number, embeddingDimensions: number): number {
  return batchTokens * embeddingDimensions * ACTIVATION_BYTES_PER_EMBEDDING;
}

/** `modelBytes`: of the layers and their part of the contexts. */
export function neededDeviceBytes(modelBytes: number, computeBytes: number): number {
  return Math.ceil((modelBytes + computeBytes + SPARE_BYTES) / (1 - SPARE_SHARE));
}

/** What is left for layers of so much free memory. */
export function usableDeviceBytes(freeBytes: number, computeBytes: number): number {
  return freeBytes * (1 - SPARE_SHARE) - SPARE_BYTES - computeBytes;
}
