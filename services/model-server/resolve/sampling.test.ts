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
  const { topP, topK, minP } = resolveSampling({ top_p: 0.1 }, defaults);
  assert.deepEqual([topP, topK, minP], [0.1, 2, 0.3]);
});

test("an explicit zero is a value, not an absence", () => {
  const configured = { temperature: 0.7, topK: 40, presencePenalty: 1, repeatPenalty: 1.1 };
  const sampling = resolveSampling(
    { temperature: 0, top_k: 0, presence_penalty: 0, repeat_penalty: 0 },
    { ...nothing, configured },
  );
  assert.equal(sampling.temperature, 0);
  assert.equal(sampling.topK, 0);
  assert.equal(sampling.presencePenalty, 0);
  assert.equal(sampling.repeatPenalty, 0);
});

test("both names of the repeat penalty work, and top_k -1 means every token", () => {
  assert.equal(resolveSampling({ repetition_penalty: 1.3 }, nothing).repeatPenalty, 1.3);
  assert.equal(resolveSampling({ top_k: -1 }, nothing).topK, 0);
});

test("only tokens of the vocabulary can be biased", () => {
  assert.deepEqual(resolveSampling({ logit_bias: [[99, 1]] }, nothing).logitBias, [[99, 1]]);
  assert.throws(() => resolveSampling({ logit_bias: [[100, 1]] }, nothing), {
    field: "logit_bias",
  });
});
