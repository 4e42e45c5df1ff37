import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { smollm2, testLlama } from "../../../test/support/llama-models.ts";
import { smollm2Path } from "../../../test/support/smollm2.ts";
import { createContext } from "../context.ts";
import { evaluate, ONE_THREAD, promptOf } from "../fixtures/generate.ts";

import { loadModel } from "../model.ts";
import { OwnershipError } from "../native/errors.ts";
import { logprobsOf, topTokens } from "./logprobs.ts";
import { softmaxOf } from "./softmax.ts";

const TIMEOUT = { timeout: 60_000 };

test("the sum is that of all exponentials, whatever the logits are", TIMEOUT, async () => {
  const model = await smollm2();
  const softmax = softmaxOf(model);
  const { size } = model.vocabulary;
  fc.assert(
    fc.property(
      fc.float({ min: -100, max: 100, noNaN: true }),
      fc.float({ min: Math.fround(0.001), max: 40, noNaN: true }),
      fc.array(fc.tuple(fc.nat(size - 1), fc.constantFrom(Number.NEGATIVE_INFINITY, 90, -1e30))),
      (middle, width, others) => {
        const logits = Float32Array.from(
          { length: size },
          (_, token) => middle + width * Math.sin(token * token),
        );
        for (const [token, logit] of others) logits[token] = logit;
        const largest = topTokens(logits, 1)[0] ?? -1;
        const found = softmax.sum(logits, largest) ?? Number.NaN;
        const above = logits[largest] ?? Number.NaN;
        const expected = logits.reduce((all, logit) => all + Math.exp(logit - above), 0);
        assert.ok(Math.abs(found / expected - 1) < 1e-5, `${found} is not ${expected}`);
      },
    ),
    { numRuns: 50 },
  );
});

test(
  "logits of which one is no number have no sum, and the others' are counted without it",
  TIMEOUT,
  async () => {
    const model = await smollm2();
    const softmax = softmaxOf(model);
    const logits = new Float32Array(model.vocabulary.size).fill(1);
    logits[7] = Number.NaN;
    assert.equal(softmax.sum(logits, 0), undefined);
    const { logprob } = logprobsOf(logits, 3, 1, (all, largest) => softmax.sum(all, largest));
    assert.ok(Math.abs(logprob + Math.log(logits.length - 1)) < 1e-6);
  },
);

test("probabilities are those that logits mean at the temperature", TIMEOUT, async () => {
  const model = await smollm2();
  const logits = Float32Array.from({ length: model.vocabulary.size }, (_, token) => -token / 3);
  logits[1] = Number.NaN;
  logits[2] = Number.NEGATIVE_INFINITY;
  for (const temperature of [0.5, 1, 1.7, 1e-30]) {
    const weights = Float64Array.from(logits, (logit) =>
      Number.isNaN(logit) ? 0 : Math.exp(logit / temperature),
    );
    const sum = weights.reduce((all, weight) => all + weight, 0);
    const found = softmaxOf(model).probabilities(logits, temperature);
    for (const [token, weight] of weights.subarray(0, 50).entries()) {
      const close = Math.abs((found[token] ?? Number.NaN) - weight / sum) < 1e-6;
      assert.ok(close, `token ${token} at ${temperature}`);
    }
  }
});

test("where no token has a chance, all probabilities are 0", TIMEOUT, async () => {
  const model = await smollm2();
  for (const nothing of [Number.NaN, Number.NEGATIVE_INFINITY]) {
    const logits = new Float32Array(model.vocabulary.size).fill(nothing);
    assert.ok(
      softmaxOf(model)
        .probabilities(logits, 1)
        .every((share) => share === 0),
    );
  }
});

test("as many logits as tokens are wanted", TIMEOUT, async () => {
  const model = await smollm2();
  const softmax = softmaxOf(model);
  assert.throws(() => softmax.sum(new Float32Array(3), 0), RangeError);
  assert.throws(() => softmax.probabilities(new Float32Array(3), 1), RangeError);
});

test("it ends with its model", TIMEOUT, async () => {
  const model = await loadModel(await testLlama(), { path: await smollm2Path() });
  const softmax = softmaxOf(model);
  assert.equal(softmaxOf(model), softmax);
  const logits = new Float32Array(model.vocabulary.size);
  model[Symbol.dispose]();
  assert.throws(() => softmax.probabilities(logits, 1), OwnershipError);
});

test("log probabilities are the same by either sum", TIMEOUT, async () => {
  const model = await smollm2();
  using context = await createContext(model, { ...ONE_THREAD, contextTokens: 256 });
  const softmax = softmaxOf(model);
  const tokens = promptOf(model, "The capital of France is");
  const [logits = new Float32Array()] = await evaluate(context, [{ sequence: 0, tokens }]);
  const { logprob, top } = logprobsOf(logits, 5, 3, (all, largest) => softmax.sum(all, largest));
  const expected = logprobsOf(logits, 5, 3);
  assert.deepEqual(
    top.map((one) => one.token),
    expected.top.map((one) => one.token),
  );
  assert.ok(Math.abs(logprob - expected.logprob) < 1e-5);
});
