import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { shareBudget, type Waiting } from "./prompt-shares.ts";

const waiting: fc.Arbitrary<Waiting> = fc.record({
  tokens: fc.nat({ max: 3000 }),
  waited: fc.oneof(fc.nat({ max: 5000 }), fc.constant(Number.POSITIVE_INFINITY)),
});
const budget = fc.nat({ max: 600 });

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

type Arrival = { readonly step: number; readonly tokens: number };

/** Tokens that were evaluated from the arrival of each until it was done, where every step has `stepTokens`. */
function simulated(arrivals: readonly Arrival[], stepTokens: number): readonly number[] {
  const left = arrivals.map(({ tokens }) => tokens);
  const waited = arrivals.map(() => 0);
  for (let step = 0; sum(left) > 0; step += 1) {
    const here = arrivals.map((one) => one.step <= step);
    const all = left.map((tokens, at) => ({
      tokens: here[at] === true ? tokens : 0,
      waited: waited[at] ?? 0,
    }));
    for (const [at, share] of shareBudget(stepTokens, all).entries()) {
      if ((all[at]?.tokens ?? 0) > 0) waited[at] = (waited[at] ?? 0) + stepTokens;
      left[at] = (left[at] ?? 0) - share;
    }
  }
  return waited;
}

test("a prompt that fits into a step is evaluated in one, and all together get no more than there is", () => {
  fc.assert(
    fc.property(budget, fc.array(waiting, { maxLength: 12 }), (tokens, all) => {
      const shares = shareBudget(tokens, all);
      assert.ok(sum(shares) <= tokens);
      const wanted = all.filter((one) => one.tokens > 0);
      assert.equal(sum(shares) > 0, tokens > 0 && wanted.length > 0, "somebody gets on");
      for (const [index, share] of shares.entries()) {
        const own = all[index]?.tokens ?? 0;
        assert.ok(Number.isInteger(share) && share >= 0 && share <= own);
        assert.ok(own > tokens || share === 0 || share === own, `${share} of ${own}`);
      }
    }),
  );
});

test("of equal prompts that come together, half are done in half of the time", () => {
  const together = Array.from({ length: 8 }, () => ({ step: 0, tokens: 50 }));
  assert.deepEqual(simulated(together, 100), [100, 100, 200, 200, 300, 300, 400, 400]);
});

test("a short prompt passes a long one that is being evaluated", () => {
  const [, short] = simulated(
    [
      { step: 0, tokens: 3000 },
      { step: 5, tokens: 60 },
    ],
    100,
  );
  assert.equal(short, 100);
});

test("a long prompt gets on though short ones come as fast as they are evaluated", () => {
  const shorts = Array.from({ length: 50 }, (_, at) => ({ step: 2 * at, tokens: 200 }));
  const [long = 0, ...others] = simulated([{ step: 0, tokens: 1000 }, ...shorts], 100);
  assert.ok(long <= 4000, `${long} tokens until it was done`);
  assert.ok(Math.max(...others) <= 2000, `${others.join()} tokens until the short ones were`);
});
