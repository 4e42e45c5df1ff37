import assert from "node:assert/strict";
import { test } from "node:test";
import { tokenLogprob } from "./logprobs.ts";
import { Vocabulary } from "../text/vocabulary.ts";

const NORMAL = 1;
const BYTE = 6;
const vocabulary = new Vocabulary({
  kind: "llama",
  texts: ["▁yes", "no", "<0xF0>"],
  types: [NORMAL, NORMAL, BYTE],
});
const distribution = new Map([
  [0, 0.5],
  [1, 0.25],
  [2, 0],
]);

test("a token comes with its bytes, its log probability and the most probable alternatives", () => {
  assert.deepEqual(tokenLogprob(vocabulary, 1, distribution, 1), {
    token: "no",
    bytes: [110, 111],
    logprob: Math.log(0.25),
    top: [{ token: " yes", bytes: [32, 121, 101, 115], logprob: Math.log(0.5) }],
  });
});

test("a token that nothing predicts has no log probability and no alternatives", () => {
  const { logprob, top } = tokenLogprob(vocabulary, 0, undefined, 2);
  assert.equal(logprob, null);
  assert.deepEqual(top, []);
});

test("a token that is half a character is named by the replacement character, and by its byte", () => {
  const { token, bytes } = tokenLogprob(vocabulary, 2, distribution, 0);
  assert.deepEqual([token, bytes], ["\uFFFD", [0xf0]]);
});

test("a token that cannot occur has a log probability that JSON can say", () => {
  for (const probability of [0, Number.MIN_VALUE, Number.NaN, undefined]) {
    const odd = new Map(probability === undefined ? [] : [[2, probability]]);
    const { logprob } = tokenLogprob(vocabulary, 2, odd, 1);
    assert.ok(
      logprob !== null && logprob <= -700 && logprob >= -9999,
      `${probability}: ${logprob}`,
    );
  }
});

test("there are no more alternatives than the vocabulary has tokens", () => {
  assert.equal(tokenLogprob(vocabulary, 0, distribution, 20).top.length, 3);
  assert.equal(tokenLogprob(vocabulary, 0, distribution, 0).top.length, 0);
});
