import assert from "node:assert/strict";
import { test } from "node:test";
import { keyValueElements } from "@localmodel/weights/gguf/key-value-elements.ts";
import { assertFits, kvCacheBytes } from "./memory.ts";

const SMOLLM2 = {
  general: { architecture: "llama" },
  llama: {
    block_count: 30,
    embedding_length: 576,
    attention: { head_count: 9, head_count_kv: 3 },
  },
};
const SIZE = { contextTokens: 4096, slots: 4, kvCacheType: "f16" } as const;

test("kvCacheBytes counts keys and values of every layer, slot and token", () => {
  assert.equal(kvCacheBytes(SMOLLM2, SIZE), 30 * 3 * 128 * 2 * 4096 * 4);
  assert.equal(
    kvCacheBytes(SMOLLM2, { ...SIZE, kvCacheType: "q8_0" }),
    (30 * 3 * 128 * 34 * 4096 * 4) / 32,
  );
});

test("kvCacheBytes says nothing of models whose cache follows another rule", () => {
  const sliding = {
    ...SMOLLM2.llama,
    attention: { ...SMOLLM2.llama.attention, sliding_window: 512 },
  };
  assert.equal(kvCacheBytes({ ...SMOLLM2, llama: sliding }, SIZE), undefined);
  assert.equal(kvCacheBytes({ ...SMOLLM2, llama: { ...SMOLLM2.llama, ssm: {} } }, SIZE), undefined);
  assert.equal(kvCacheBytes({ general: {} }, SIZE), undefined);
});

function model(attention: object) {
  return {
    general: { architecture: "llama" },
    llama: { block_count: 4, embedding_length: 64, attention: { head_count: 8, ...attention } },
  };
}

function alike(each: number) {
  return { keys: each, values: each };
}

test("keyValueElements bounds models whose layers differ", () => {
  assert.deepEqual(keyValueElements(model({})), alike(4 * 8 * 8));
  assert.deepEqual(keyValueElements(model({ head_count_kv: [2, 0, 2, 0] })), alike(4 * 8));
  const lengths = { key_length: 32, value_length: 16 };
  assert.deepEqual(keyValueElements(model(lengths)), { keys: 4 * 8 * 32, values: 4 * 8 * 16 });
  assert.deepEqual(keyValueElements(model({ sliding_window: 512 })), alike(4 * 8 * 8));
  assert.equal(keyValueElements({ general: { architecture: "llama" } }), undefined);
});

test("assertFits refuses what cannot fit, with the numbers and what to change", () => {
  const memory = { availableBytes: 2 ** 29, weightsBytes: 2 ** 28 };
  assert.throws(() => assertFits(SMOLLM2, SIZE, memory), /0\.5 GiB .* engine\.contextTokens/su);
  assertFits(SMOLLM2, { ...SIZE, slots: 1 }, memory);
});
