import assert from "node:assert/strict";
import { test } from "node:test";
import { GREEDY } from "../../fixtures/sampling.ts";
import { stagesOf } from "./sampler-stages.ts";

const kindsOf = (...args: Parameters<typeof stagesOf>): readonly string[] =>
  stagesOf(...args).map(({ type }) => type);

test("temperature 0 takes the likeliest token, whatever else is asked for", () => {
  assert.deepEqual(kindsOf({ ...GREEDY, topK: 40, topP: 0.9, minP: 0.1 }, 1), ["greedy"]);
});

test("what is drawn from has the likely tokens first, also where no option drops any", () => {
  const plain = { ...GREEDY, temperature: 1, topK: 0, topP: 1, minP: 0 };
  assert.deepEqual(kindsOf(plain, 1), ["temperature", "topP", "dist"]);
  assert.deepEqual(kindsOf({ ...plain, topK: 5 }, 1), ["topK", "temperature", "dist"]);
  assert.deepEqual(kindsOf({ ...plain, topP: 0.5 }, 1), ["topP", "temperature", "dist"]);
});

test("biases and penalties come before candidates are dropped, and the temperature after", () => {
  const all = {
    ...GREEDY,
    temperature: 0.7,
    topK: 40,
    topP: 0.9,
    minP: 0.05,
    presencePenalty: 1,
    logitBias: [[3, -100] as const],
  };
  const order = ["logitBias", "penalties", "topK", "topP", "minP", "temperature", "dist"];
  assert.deepEqual(kindsOf(all, 7), order);
  assert.deepEqual(stagesOf(all, 7).at(-1), { type: "dist", seed: 7 });
});

test("one penalty is enough for penalties, also without randomness", () => {
  for (const some of [{ repeatPenalty: 1.1 }, { frequencyPenalty: 0.5 }, { presencePenalty: -1 }]) {
    assert.deepEqual(kindsOf({ ...GREEDY, ...some }, 1), ["penalties", "greedy"]);
  }
});
