import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { gpuLayersThatFit } from "./gpu-layers.ts";

const GIB = 2 ** 30;
const LAYERS = 32;
/** About an 8B model, 4-bit. */
const METADATA = {
  general: { architecture: "llama" },
  llama: {
    block_count: LAYERS,
    embedding_length: 4096,
    attention: { head_count: 32, head_count_kv: 8 },
  },
};
const SIZE = { contextTokens: 4096, slots: 4, kvCacheType: "f16", batchTokens: 512 } as const;
const sizeBytes = 4.9 * GIB;

const fitting = (freeBytes: number, size: Partial<typeof SIZE> | object = {}): number =>
  planFor(freeBytes, size).layers;

const planFor = (freeBytes: number, size: Partial<typeof SIZE> | object = {}) =>
  gpuLayersThatFit(METADATA, { ...SIZE, ...size }, { sizeBytes, freeBytes });

test("everything goes on a GPU that has room for the weights and the context", () => {
  assert.ok(fitting(24 * GIB) > LAYERS);
});

test("a GPU that is full, or too small for a single layer, gets none", () => {
  assert.equal(fitting(0), 0);
  assert.equal(fitting(0.4 * GIB), 0);
});

test("on a smaller GPU some layers stay on the CPU, the more the longer the context", () => {
  const some = fitting(5 * GIB);
  assert.ok(some > 0 && some <= LAYERS, `${some} layers`);
  assert.ok(fitting(5 * GIB, { contextTokens: 16_384 }) < some);
});

test("more free memory never means fewer layers, and what is placed fits", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 40, noNaN: true }), (gibibytes) => {
      const layers = Math.min(LAYERS + 1, fitting(gibibytes * GIB));
      assert.ok(Math.min(LAYERS + 1, fitting((gibibytes + 1) * GIB)) >= layers);
      assert.ok((layers / (LAYERS + 1)) * sizeBytes <= gibibytes * GIB);
    }),
  );
});

test("as much free memory as it is said to need takes all layers, and less does not", () => {
  const { neededBytes, ofLayers } = planFor(0);
  assert.equal(ofLayers, LAYERS + 1);
  assert.ok(fitting(neededBytes + 1) > LAYERS);
  assert.ok(fitting(neededBytes * 0.98) <= LAYERS);
});

test("a model that does not say how many layers it has goes where it fits whole", () => {
  const unknown = { general: { architecture: "odd" } };
  const on = (freeBytes: number) =>
    gpuLayersThatFit(unknown, SIZE, { sizeBytes, freeBytes }).layers;
  assert.equal(on(GIB), 0);
  assert.ok(on(8 * GIB) > LAYERS);
});
