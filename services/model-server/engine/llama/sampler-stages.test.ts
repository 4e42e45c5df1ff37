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

const PLAIN = { ...GREEDY, temperature: 1, topK: 0, topP: 1, minP: 0 };

test("without top k the whole vocabulary is drawn from, and none of it is sorted", () => {
  const draw = { type: "draw", topP: 1, minP: 0, temperature: 1, seed: OF.seed };
  assert.deepEqual(stagesOf(PLAIN, OF), [draw]);
  const likely = { topP: 0.9, minP: 0.05, temperature: 0.7 };
  assert.deepEqual(stagesOf({ ...PLAIN, ...likely }, OF), [{ ...draw, ...likely }]);
  assert.deepEqual(kindsOf({ ...PLAIN, topNSigma: 2, typicalP: 0.5 }), [
    "topNSigma",
    "typicalP",
    "draw",
  ]);
});

test("of few that are in order, llama.cpp's own stages draw", () => {
  assert.deepEqual(kindsOf({ ...PLAIN, topK: 5 }), ["topK", "temperature", "dist"]);
  const all = { ...PLAIN, topK: 5, topP: 0.5, minP: 0.1 };
  assert.deepEqual(kindsOf(all), ["topK", "topP", "minP", "temperature", "dist"]);
});

test("what has to come after top p, or keeps more than that, leaves it to llama.cpp", () => {
  const some = { ...PLAIN, topP: 0.9 };
  assert.deepEqual(kindsOf({ ...some, minKeep: 3 }), ["topP", "draw"]);
  const xtc = { probability: 0.5, threshold: 0.1 };
  assert.deepEqual(kindsOf({ ...some, xtc }), ["topP", "xtc", "draw"]);
  const dynamicTemperature = { range: 0.5, exponent: 1 };
  assert.deepEqual(stagesOf({ ...some, temperature: 0.7, dynamicTemperature }, OF), [
    { type: "topP", p: 0.9, minKeep: 1 },
    { type: "dynamicTemperature", temperature: 0.7, ...dynamicTemperature },
    { type: "draw", topP: 1, minP: 0, temperature: 1, seed: OF.seed },
  ]);
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
  const order = ["penalties", "dry", ...dropping, "dynamicTemperature", "draw"];
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

test("typical p leaves the likely tokens in no order, so what draws after it needs none", () => {
  const typical = { ...PLAIN, topK: 40, typicalP: 0.5 };
  assert.deepEqual(kindsOf(typical), ["topK", "typicalP", "draw"]);
  assert.deepEqual(kindsOf({ ...typical, topP: 0.9 }), ["topK", "typicalP", "topP", "draw"]);
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
