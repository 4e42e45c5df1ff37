import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { smollm2 } from "../../../test/support/llama-models.ts";
import { createContext } from "../context.ts";
import { evaluate, ONE_THREAD, promptOf } from "../fixtures/generate.ts";
import { ExponentialSum } from "./exponential-sum.ts";
import { logprobsOf, topTokens } from "./logprobs.ts";

const TIMEOUT = { timeout: 60_000 };

test("the sum is that of all exponentials, whatever the logits are", TIMEOUT, async () => {
  const model = await smollm2();
  using sum = new ExponentialSum(model);
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
        const found = sum.of(logits, largest) ?? Number.NaN;
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
    using sum = new ExponentialSum(model);
    const logits = new Float32Array(model.vocabulary.size).fill(1);
    logits[7] = Number.NaN;
    assert.equal(sum.of(logits, 0), undefined);
    const { logprob } = logprobsOf(logits, 3, 1, (all, largest) => sum.of(all, largest));
    assert.ok(Math.abs(logprob + Math.log(logits.length - 1)) < 1e-6);
  },
);

test("as many logits as tokens are wanted, and none once it was freed", TIMEOUT, async () => {
  const model = await smollm2();
  const sum = new ExponentialSum(model);
  assert.throws(() => sum.of(new Float32Array(3), 0), RangeError);
  sum[Symbol.dispose]();
  assert.throws(() => sum.of(new Float32Array(model.vocabulary.size), 0), /was freed/);
});

test("log probabilities are the same by either sum", TIMEOUT, async () => {
  const model = await smollm2();
  using context = await createContext(model, { ...ONE_THREAD, contextTokens: 256 });
  using sum = new ExponentialSum(model);
  const tokens = promptOf(model, "The capital of France is");
  const [logits = new Float32Array()] = await evaluate(context, [{ sequence: 0, tokens }]);
  const { logprob, top } = logprobsOf(logits, 5, 3, (all, largest) => sum.of(all, largest));
  const expected = logprobsOf(logits, 5, 3);
  assert.deepEqual(
    top.map((one) => one.token),
    expected.top.map((one) => one.token),
  );
  assert.ok(Math.abs(logprob - expected.logprob) < 1e-5);
});
