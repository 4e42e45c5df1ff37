import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveSampling } from "./sampling.ts";

const nothing = { configured: {}, fromFile: {}, vocabularyTokens: 100 };

test("a request that says nothing to a model that says nothing samples as OpenAI does", () => {
  assert.deepEqual(resolveSampling({}, nothing), {
    temperature: 1,
    topP: 1,
    topK: 0,
    minP: 0,
    presencePenalty: 0,
    frequencyPenalty: 0,
    repeatPenalty: 1,
    logitBias: [],
  });
});

test("the request outranks the LocalModel, which outranks the file", () => {
  const defaults = {
    ...nothing,
    configured: { topP: 0.2, topK: 2 },
    fromFile: { topP: 0.3, topK: 3, minP: 0.3 },
  };
  const { topP, topK, minP } = resolveSampling({ topP: 0.1 }, defaults);
  assert.deepEqual([topP, topK, minP], [0.1, 2, 0.3]);
});

test("an explicit zero is a value, not an absence", () => {
  const configured = { temperature: 0.7, topK: 40, presencePenalty: 1, repeatPenalty: 1.1 };
  const sampling = resolveSampling(
    { temperature: 0, topK: 0, presencePenalty: 0, repeatPenalty: 0 },
    { ...nothing, configured },
  );
  assert.equal(sampling.temperature, 0);
  assert.equal(sampling.topK, 0);
  assert.equal(sampling.presencePenalty, 0);
  assert.equal(sampling.repeatPenalty, 0);
});

test("only tokens of the vocabulary can be biased", () => {
  assert.deepEqual(resolveSampling({ logitBias: [[99, 1]] }, nothing).logitBias, [[99, 1]]);
  assert.throws(() => resolveSampling({ logitBias: [[100, 1]] }, nothing), {
    field: "logit_bias",
  });
});
