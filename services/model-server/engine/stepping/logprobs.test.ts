import assert from "node:assert/strict";
import { test } from "node:test";
import { logprobsOf } from "@localmodel/llama/sampling/logprobs.ts";
import { tokenLogprob } from "./logprobs.ts";
import { Vocabulary } from "../text/vocabulary.ts";

const NORMAL = 1;
const BYTE = 6;
const vocabulary = new Vocabulary({
  kind: "llama",
  texts: ["▁yes", "no", "<0xF0>"],
  types: [NORMAL, NORMAL, BYTE],
});
/** Of tokens with these probabilities, whatever constant the model adds. */
const logitsOf = (...probabilities: readonly number[]): Float32Array =>
  Float32Array.from(probabilities, (probability) => Math.log(probability) + 3);
const logits = logitsOf(0.5, 0.25, 0.25);

test("a token comes with its bytes, its log probability and the most probable alternatives", () => {
  const { logprob, top, ...label } = tokenLogprob(vocabulary, 1, logprobsOf(logits, 1, 1));
  assert.deepEqual(label, { token: "no", bytes: [110, 111] });
  assert.ok(Math.abs((logprob ?? 0) - Math.log(0.25)) < 1e-6);
  assert.equal(top.length, 1);
  assert.deepEqual([top[0]?.token, top[0]?.bytes], [" yes", [32, 121, 101, 115]]);
  assert.ok(Math.abs((top[0]?.logprob ?? 0) - Math.log(0.5)) < 1e-6);
});

test("a token that nothing predicts has no log probability and no alternatives", () => {
  const { logprob, top } = tokenLogprob(vocabulary, 0, undefined);
  assert.equal(logprob, null);
  assert.deepEqual(top, []);
});

test("a token that is half a character is named by the replacement character, and by its byte", () => {
  const { token, bytes } = tokenLogprob(vocabulary, 2, logprobsOf(logits, 2, 0));
  assert.deepEqual([token, bytes], ["\uFFFD", [0xf0]]);
});

test("a token that cannot occur has a log probability that JSON can say", () => {
  for (const logit of [Number.NEGATIVE_INFINITY, -1e30, Number.NaN]) {
    const { logprob } = tokenLogprob(vocabulary, 2, logprobsOf(Float32Array.of(0, 0, logit), 2, 1));
    assert.ok(logprob !== null && logprob <= -700 && logprob >= -9999, `${logit}: ${logprob}`);
  }
});

test("no log probability is above 0, however sure the model is", () => {
  assert.equal(
    tokenLogprob(vocabulary, 0, logprobsOf(Float32Array.of(1e4, 0, 0), 0, 0)).logprob,
    0,
  );
});

test("there are no more alternatives than the vocabulary has tokens", () => {
  assert.equal(tokenLogprob(vocabulary, 0, logprobsOf(logits, 0, 20)).top.length, 3);
  assert.equal(tokenLogprob(vocabulary, 0, logprobsOf(logits, 0, 0)).top.length, 0);
});
