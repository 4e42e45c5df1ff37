import assert from "node:assert/strict";
import { test } from "node:test";
import type { Sampling } from "@localmodel/inference/generate.ts";
import { GREEDY } from "../../fixtures/sampling.ts";
import { historyTokensOf, stagesOf } from "./sampler-stages.ts";

const OF = { seed: 7, contextTokens: 1000 };
const DRAWN = { ...GREEDY, temperature: 1 };

const kindsOf = (sampling: Sampling): readonly string[] =>
  stagesOf(sampling, OF).map(({ type }) => type);

test("temperature 0 takes the likeliest token, whatever else is asked for", () => {
  assert.deepEqual(kindsOf({ ...GREEDY, topK: 40, topP: 0.9, minP: 0.1 }), ["greedy"]);
});

test("what is drawn from has the likely tokens first, also where no option drops any", () => {
  const plain = { ...GREEDY, temperature: 1, topK: 0, topP: 1, minP: 0 };
  assert.deepEqual(kindsOf(plain), ["temperature", "topP", "dist"]);
  assert.deepEqual(kindsOf({ ...plain, topK: 5 }), ["topK", "temperature", "dist"]);
  assert.deepEqual(kindsOf({ ...plain, topP: 0.5 }), ["topP", "temperature", "dist"]);
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
  assert.deepEqual(kindsOf(all), order);
  assert.deepEqual(stagesOf(all, OF).at(-1), { type: "dist", seed: 7 });
});

test("one penalty is enough for penalties, also without randomness", () => {
  for (const some of [{ repeatPenalty: 1.1 }, { frequencyPenalty: 0.5 }, { presencePenalty: -1 }]) {
    assert.deepEqual(kindsOf({ ...GREEDY, ...some }), ["penalties", "greedy"]);
  }
});

test("what few ask for stands where llama.cpp's server has it", () => {
  const dry = { multiplier: 0.8, base: 1.75, allowedLength: 2, lastTokens: -1 };
  const all = {
    ...DRAWN,
    repeatPenalty: 1.1,
    dry,
    topNSigma: 2,
    topK: 40,
    typicalP: 0.9,
    topP: 0.95,
    minP: 0.05,
    xtc: { probability: 0.5, threshold: 0.1 },
    dynamicTemperature: { range: 0.5, exponent: 1 },
  };
  const dropping = ["topNSigma", "topK", "typicalP", "topP", "minP", "xtc"];
  const order = ["penalties", "dry", ...dropping, "dynamicTemperature", "dist"];
  assert.deepEqual(kindsOf(all), order);
  for (const version of [1, 2] as const) {
    const mirostat = kindsOf({ ...all, mirostat: { version, tau: 5, eta: 0.1 } });
    const chooses = version === 1 ? "mirostat" : "mirostatV2";
    assert.deepEqual(mirostat, ["penalties", "dry", "dynamicTemperature", chooses]);
  }
});

test("values that say nothing make no stage", () => {
  const nothing = { ...DRAWN, typicalP: 1, topNSigma: -1, minKeep: 0 };
  assert.deepEqual(kindsOf(nothing), kindsOf(DRAWN));
  assert.deepEqual(kindsOf({ ...GREEDY, repeatPenalty: 1.5, penaltyTokens: 0 }), ["greedy"]);
});

test("typical p leaves the likely tokens in no order, so something after it puts them first", () => {
  const kinds = kindsOf({ ...DRAWN, topK: 40, typicalP: 0.5 });
  assert.deepEqual(kinds, ["topK", "typicalP", "temperature", "topP", "dist"]);
});

test("looking back is bounded by the context, and by nothing else where a request wants all", () => {
  const dry = { multiplier: 0.8, base: 1.75, allowedLength: 2 };
  const reach = (sampling: Partial<Sampling>): number =>
    historyTokensOf(stagesOf({ ...GREEDY, ...sampling }, OF));
  assert.equal(reach({}), 0);
  assert.equal(reach({ repeatPenalty: 1.1 }), 64);
  assert.equal(reach({ repeatPenalty: 1.1, penaltyTokens: -1 }), OF.contextTokens);
  assert.equal(reach({ repeatPenalty: 1.1, penaltyTokens: 5000 }), OF.contextTokens);
  assert.equal(reach({ dry: { ...dry, lastTokens: -1 } }), OF.contextTokens);
  assert.equal(reach({ dry: { ...dry, lastTokens: 10 }, repeatPenalty: 1.1 }), 64);
  assert.equal(reach({ dry: { ...dry, lastTokens: 0 } }), 0);
});
