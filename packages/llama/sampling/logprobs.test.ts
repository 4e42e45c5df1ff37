import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createContext } from "../context.ts";
import { evaluate, ONE_THREAD, promptOf } from "../fixtures/generate.ts";
import { smollm2 } from "../../../test/support/llama-models.ts";
import { Candidates } from "./candidates.ts";
import { logprobsOf, topTokens } from "./logprobs.ts";
import { createSampler } from "./sampler.ts";

/** With equals, infinities and what is no number among them. */
const LOGITS = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: fc.float({ min: -100, max: 100, noNaN: true }) },
      { weight: 3, arbitrary: fc.constantFrom(-1, 0, 1, 2) },
      { weight: 1, arbitrary: fc.constantFrom(Number.NEGATIVE_INFINITY, Number.NaN) },
    ),
    { minLength: 1, maxLength: 200 },
  )
  .map((values) => Float32Array.from(values));

test("the top tokens are the first of all tokens in order", () => {
  fc.assert(
    fc.property(LOGITS, fc.nat(30), (logits, count) => {
      const ordered = [...logits.keys()]
        .filter((token) => !Number.isNaN(logits[token]))
        .toSorted((a, b) => {
          const [one = 0, other = 0] = [logits[a], logits[b]];
          return one === other ? a - b : one < other ? 1 : -1;
        });
      assert.deepEqual([...topTokens(logits, count)], ordered.slice(0, count));
    }),
  );
});

test("probabilities are shares of all exponentials, and the top's are in order", () => {
  fc.assert(
    fc.property(LOGITS, fc.nat(30), fc.nat(), (logits, count, seed) => {
      fc.pre(logits.some(Number.isFinite));
      const token = seed % logits.length;
      const { logprob, top } = logprobsOf(logits, token, count);
      const numbers = [...logits].filter((logit) => !Number.isNaN(logit));
      const largest = Math.max(...numbers);
      const total = numbers.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
      const expected = (one: number): number => {
        const logit = logits[one] ?? Number.NaN;
        return Number.isNaN(logit) ? -Infinity : logit - largest - Math.log(total);
      };
      assertNear(logprob, expected(token));
      for (const one of top) assertNear(one.logprob, expected(one.token));
      assert.deepEqual(
        top.map((one) => one.token),
        [...topTokens(logits, count)],
      );
    }),
  );
});

test("a token that is none, and logits that are none, are refused", () => {
  assert.throws(() => logprobsOf(new Float32Array(4), 4, 1), RangeError);
  assert.throws(() => logprobsOf(new Float32Array(4).fill(Number.NaN), 0, 1), RangeError);
  assert.throws(() => logprobsOf(new Float32Array(4).fill(-Infinity), 0, 1), RangeError);
});

test(
  "of a model's logits they are those that llama.cpp computes",
  { timeout: 60_000 },
  async () => {
    const model = await smollm2();
    using context = await createContext(model, { ...ONE_THREAD, contextTokens: 256 });
    const tokens = promptOf(model, "The capital of France is");
    const [logits = new Float32Array()] = await evaluate(context, [{ sequence: 0, tokens }]);
    // `dist` computes the probabilities of what it chooses from.
    using sampler = createSampler(model, {
      stages: [
        { type: "topK", k: model.vocabulary.size },
        { type: "dist", seed: 1 },
      ],
    });
    using candidates = new Candidates(model.vocabulary.size);
    candidates.fill(logits);
    sampler.apply(candidates);
    const expected = candidates.all().slice(0, 20);
    const { logprob, top } = logprobsOf(logits, expected[3]?.token ?? -1, 20);
    assert.deepEqual(
      top.map(({ token }) => token),
      expected.map(({ token }) => token),
    );
    for (const [index, { probability }] of expected.entries()) {
      assert.ok(Math.abs(Math.exp(top[index]?.logprob ?? 0) - probability) < 1e-5);
    }
    assert.equal(logprob, top[3]?.logprob);
  },
);

function assertNear(one: number, other: number): void {
  assert.ok(one === other || Math.abs(one - other) < 1e-9, `${one} is not ${other}`);
}
