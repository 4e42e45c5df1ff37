import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nextBatch } from "./embedding-batch.ts";

const requests = fc.array(
  fc.record({ lengths: fc.array(fc.integer({ min: 1, max: 600 }), { maxLength: 80 }) }),
  { maxLength: 12 },
);
const limits = fc.record({
  tokens: fc.integer({ min: 1, max: 1024 }),
  inputs: fc.integer({ min: 1, max: 64 }),
});
const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

test("a batch has no more tokens and inputs than it takes, unless one input alone is longer", () => {
  fc.assert(
    fc.property(requests, limits, (waiting, bounds) => {
      const taken = nextBatch(waiting, bounds);
      const lengths = waiting.flatMap((request, index) => request.lengths.slice(0, taken[index]));
      assert.ok(lengths.length <= bounds.inputs);
      assert.ok(lengths.length <= 1 || sum(lengths) <= bounds.tokens);
    }),
  );
});

test("somebody gets on as long as anybody waits", () => {
  fc.assert(
    fc.property(requests, limits, (waiting, bounds) => {
      const waits = waiting.some(({ lengths }) => lengths.length > 0);
      assert.equal(sum(nextBatch(waiting, bounds)) > 0, waits);
    }),
  );
});

test("no request has two inputs more than another that still waits", () => {
  fc.assert(
    fc.property(requests, limits, (waiting, bounds) => {
      const taken = nextBatch(waiting, bounds);
      const most = Math.max(0, ...taken);
      for (const [index, { lengths }] of waiting.entries()) {
        const count = taken[index] ?? 0;
        assert.ok(count === lengths.length || count >= most - 1);
      }
    }),
  );
});

test("short inputs of many requests share a batch", () => {
  const waiting = [{ lengths: [10, 10, 10] }, { lengths: [10] }, { lengths: [10, 10] }];
  assert.deepEqual(nextBatch(waiting, { tokens: 50, inputs: 64 }), [2, 1, 2]);
  assert.deepEqual(nextBatch(waiting, { tokens: 500, inputs: 64 }), [3, 1, 2]);
});
