import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineSpec } from "../resource/engine-spec.ts";
import type { Inspection } from "./inspection.ts";
import { estimateMemory } from "./memory-estimate.ts";

const SMOLLM2: Inspection = {
  architecture: "llama",
  parameters: 134_515_008,
  quantization: "Q4_1",
  sizeBytes: 98_000_000,
  furtherBytes: 2_000_000,
  trainContextTokens: 8192,
  vocabularyTokens: 49_152,
  embeddingDimensions: 576,
  layers: 30,
  keyValueElements: 30 * 3 * 128,
};

function estimate(engine: Partial<EngineSpec> = {}, inspection: Partial<Inspection> = {}) {
  return estimateMemory({ ...SMOLLM2, ...inspection }, EngineSpec.parse(engine));
}

test("the estimate is the sum of weights with further files, contexts and margin", () => {
  const it = estimate();
  assert.equal(it.weightsBytes, 100_000_000);
  assert.equal(it.totalBytes, it.weightsBytes + it.contextBytes + it.marginBytes);
});

test("a slot has what the model was trained for, at most 4096 tokens, unless the author says", () => {
  const perToken = 30 * 3 * 128 * 2;
  assert.equal(estimate().contextBytes, perToken * 4096 * 4);
  assert.equal(estimate({}, { trainContextTokens: 2048 }).contextBytes, perToken * 2048 * 4);
  assert.equal(estimate({ contextTokens: 8192, slots: 2 }).contextBytes, perToken * 8192 * 2);
});

test("weights with a vector for each position have no context beyond them, whoever asks", () => {
  const learned = { architecture: "gpt2", trainContextTokens: 1024 };
  const asked = { contextTokens: 8192 };
  assert.equal(estimate(asked, learned).contextBytes, estimate({}, learned).contextBytes);
  assert.equal(
    estimate({ contextTokens: 512 }, learned).contextBytes * 2,
    estimate({}, learned).contextBytes,
  );
  assert.ok(
    estimate(asked, { trainContextTokens: 1024 }).contextBytes > estimate({}, learned).contextBytes,
  );
});

test("a quantised cache takes as much as its blocks", () => {
  const plain = estimate().contextBytes;
  assert.equal(estimate({ kvCacheType: "q8_0" }).contextBytes, (plain / 2) * (34 / 32));
  assert.equal(estimate({ kvCacheType: "f32" }).contextBytes, plain * 2);
});

test("keys and values are counted by their own types, and as the dearer where nobody knows which are which", () => {
  const plain = estimate().contextBytes;
  const keyElements = 30 * 3 * 64;
  const types = { kvCacheKeyType: "q8_0", kvCacheValueType: "q4_0" } as const;
  const apart = estimate(types, { keyElements }).contextBytes;
  assert.equal(apart, (plain / 2) * ((34 + 18) / 64));
  assert.equal(estimate(types).contextBytes, (plain / 2) * (34 / 32));
  const { contextBytes } = estimate({ kvCacheKeyType: "f32" }, { keyElements: keyElements * 1.5 });
  assert.equal(contextBytes, plain * (0.75 * 2 + 0.25));
});

test("larger batches and vocabularies need larger buffers", () => {
  const usual = estimate().marginBytes;
  assert.ok(estimate({ batchTokens: 2048 }).marginBytes > usual);
  assert.ok(estimate({}, { vocabularyTokens: 256_000 }).marginBytes > usual);
});

test("a draft model has a context beside the model's, and buffers", () => {
  const plain = estimate();
  const drafting = estimate({}, { draftElements: 1000 });
  assert.equal(drafting.contextBytes - plain.contextBytes, 1000 * 2 * 4096 * 4);
  assert.ok(drafting.marginBytes > plain.marginBytes);
  const apart = estimate({ kvCacheKeyType: "q8_0" }, { draftElements: 1000 });
  assert.ok(
    apart.contextBytes >= estimate({ kvCacheKeyType: "q8_0" }).contextBytes + 1000 * 2 * 4096 * 4,
  );
});

test("without a formula the cache is taken to be as large as it can be", () => {
  const { keyValueElements: _, ...unknown } = SMOLLM2;
  const { contextBytes } = estimateMemory(unknown, EngineSpec.parse({}));
  assert.equal(contextBytes, 2 * 30 * 576 * 2 * 4096 * 4);
});

test("who looks at images needs room for them: bodies, pictures, what decodes and what encodes", () => {
  const blind = estimate();
  const seeing = estimateMemory(SMOLLM2, EngineSpec.parse({}), { takesImages: true });
  assert.equal(seeing.weightsBytes, blind.weightsBytes);
  assert.equal(seeing.contextBytes, blind.contextBytes);
  assert.ok(seeing.marginBytes > blind.marginBytes + 2 ** 30);
});

/** What looking at images adds. */
function imagesMargin(contextTokens: number, more: Partial<Inspection> = {}): number {
  const engine = EngineSpec.parse({ contextTokens });
  const inspection = { ...SMOLLM2, ...more };
  const seeing = estimateMemory(inspection, engine, { takesImages: true });
  return seeing.marginBytes - estimateMemory(inspection, engine).marginBytes;
}

test("rows of pictures are counted: of two requests that fill a context with them", () => {
  const dearer = imagesMargin(4096, { rowDimensions: 4 * 576 }) - imagesMargin(4096);
  assert.equal(dearer, 2 * 4096 * 3 * 576 * 4);
  assert.ok(imagesMargin(8192) - imagesMargin(4096) >= 2 * 4096 * 576 * 4);
});
