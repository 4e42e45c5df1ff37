import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { drawn, dropUnlikely, temper } from "./weighted-draw.ts";

const weight = fc.oneof(
  fc.float({ min: 0, max: 1, noNaN: true }),
  fc.integer({ min: -149, max: 0 }).map((exponent) => Math.fround(2 ** exponent)),
  fc.constantFrom(0, 0.25),
);
const lists = fc.array(weight, { minLength: 1, maxLength: 300 });
const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

function sum(all: Float32Array): number {
  return all.reduce((total, one) => total + one, 0);
}

/** All of them, sorted. */
function naively(
  of: readonly number[],
  at: number,
): { readonly index: number; readonly close: boolean } {
  const heaviestFirst = [...of.keys()].filter((index) => (of[index] ?? 0) > 0);
  heaviestFirst.sort((a, b) => (of[b] ?? 0) - (of[a] ?? 0) || a - b);
  const all = heaviestFirst.reduce((total, index) => total + (of[index] ?? 0), 0);
  let left = at * all;
  for (const index of heaviestFirst) {
    left -= of[index] ?? 0;
    if (left < 0) return { index, close: -left < 1e-12 * all };
    if (left < 1e-12 * all) return { index, close: true };
  }
  return { index: heaviestFirst.at(-1) ?? -1, close: true };
}

test("what is drawn is what would be if all were sorted, the heaviest first", () => {
  fc.assert(
    fc.property(lists, share, (of, at) => {
      fc.pre(of.some((one) => one > 0));
      const { index, close } = naively(of, at);
      fc.pre(!close);
      assert.equal(drawn(Float32Array.from(of), at), index);
    }),
    { numRuns: 2000 },
  );
});

test("what has no weight is never drawn, whatever the share", () => {
  fc.assert(
    fc.property(lists, share, (of, at) => {
      const index = drawn(Float32Array.from(of), at);
      if (of.every((one) => one === 0)) assert.equal(index, undefined);
      else assert.ok((of[index ?? -1] ?? 0) > 0);
    }),
    { numRuns: 2000 },
  );
});

test("the largest share there can be draws the lightest, though sums are rounded", () => {
  const many = Float32Array.from({ length: 100_000 }, (_, at) => 1 / (at + 1));
  assert.equal(drawn(many, 1 - 2 ** -53), many.length - 1);
});

test("what is no number has no weight", () => {
  for (const none of [Number.NaN, -1, Number.POSITIVE_INFINITY, -0]) {
    assert.equal(drawn(Float32Array.of(none, 0.5, none), 0.99), 1);
    assert.equal(drawn(Float32Array.of(none), 0.5), undefined);
  }
});

test("of a list that is part of another, indexes are its own", () => {
  const all = Float32Array.of(9, 0, 3, 0);
  assert.equal(drawn(all.subarray(1), 0.5), 1);
});

test("what is dropped is all behind the first that have the sum, and what is lighter than a share of the heaviest", () => {
  const some = fc.double({ min: 0.01, max: 1, noNaN: true });
  fc.assert(
    fc.property(lists, some, fc.constantFrom(0, 0.05, 0.5), (of, topP, minP) => {
      const before = Float32Array.from(of);
      const left = before.slice();
      dropUnlikely(left, { topP, minP });
      const kept = left.filter((one) => one > 0);
      const least = kept.reduce((a, b) => Math.min(a, b), Infinity);
      const floor = minP * before.reduce((a, b) => Math.max(a, b), 0);
      assert.ok(kept.every((one) => one >= floor));
      for (const [at, one] of left.entries()) assert.ok(one === 0 || one === before[at]);
      // One less would not have had the sum, and nothing heavier than what is kept was dropped.
      assert.ok(sum(kept) - least <= topP * sum(before) * (1 + 1e-9));
      if (minP === 0) assert.ok(sum(kept) >= topP * sum(before) * (1 - 1e-9));
      const dropped = before.filter((_, at) => left[at] === 0);
      assert.ok(dropped.every((one) => one <= least));
    }),
    { numRuns: 2000 },
  );
});

test("of equals, those behind are dropped", () => {
  const equals = new Float32Array(10).fill(0.1);
  dropUnlikely(equals, { topP: 0.35, minP: 0 });
  assert.deepEqual(
    [...equals.keys()].filter((at) => (equals[at] ?? 0) > 0),
    [0, 1, 2, 3],
  );
});

test("weights are those of logits that were divided by the temperature", () => {
  const logits = [3, 1, 0.5, -2];
  for (const temperature of [0.01, 0.7, 1, 3]) {
    const weights = Float32Array.from(logits, Math.exp);
    temper(weights, temperature);
    for (const [at, logit] of logits.entries()) {
      const expected = Math.exp((logit - 3) / temperature);
      assert.ok(Math.abs((weights[at] ?? 0) - expected) < 1e-6);
    }
  }
});
