import assert from "node:assert/strict";
import { test } from "node:test";
import { SAMPLER_GARBAGE_BYTES, SamplerMemory } from "./sampler-memory.ts";

test("the collector is called when samplers have left too much, however large each is", () => {
  for (const vocabularyTokens of [32_000, 256_000]) {
    let collections = 0;
    const memory = new SamplerMemory(vocabularyTokens, () => (collections += 1));
    const few = Math.floor(SAMPLER_GARBAGE_BYTES / (vocabularyTokens * 12));
    for (let index = 0; index < few; index += 1) memory.left();
    assert.equal(collections, 0);
    memory.left();
    assert.equal(collections, 1);
  }
});

test("the collector that Node gives away works", () => {
  const memory = new SamplerMemory(SAMPLER_GARBAGE_BYTES);
  memory.left();
});
