import assert from "node:assert/strict";
import { test } from "node:test";
import { askedSampling } from "./asked-sampling.ts";

test("both names of the repeat penalty work, and top_k -1 means every token", () => {
  assert.equal(askedSampling({ repetition_penalty: 1.3 }).repeatPenalty, 1.3);
  assert.equal(askedSampling({ repeat_penalty: 1.2, repetition_penalty: 1.3 }).repeatPenalty, 1.2);
  assert.equal(askedSampling({ top_k: -1 }).topK, 0);
});

test("what a request does not say stays unsaid", () => {
  const said = Object.values(askedSampling({})).filter((value) => value !== undefined);
  assert.deepEqual(said, []);
});
