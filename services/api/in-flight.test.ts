import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { InFlight, pick } from "./in-flight.ts";

const ENDPOINTS = ["a", "b", "c"];

test("counts never drift, whatever order leases are given back in, and twice", () => {
  const step = fc.record({ take: fc.constantFrom(...ENDPOINTS), giveBack: fc.nat() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const inFlight = new InFlight();
      const open: { endpoint: string; lease: Disposable }[] = [];
      for (const { take, giveBack } of steps) {
        open.push({ endpoint: take, lease: inFlight.take(take) });
        if (giveBack % 3 === 0) {
          const [given] = open.splice(giveBack % open.length, 1);
          given?.lease[Symbol.dispose]();
          given?.lease[Symbol.dispose]();
        }
        for (const endpoint of ENDPOINTS) {
          const expected = open.filter((one) => one.endpoint === endpoint).length;
          assert.equal(inFlight.count(endpoint), expected);
        }
      }
      for (const { lease } of open) lease[Symbol.dispose]();
      for (const endpoint of ENDPOINTS) assert.equal(inFlight.count(endpoint), 0);
    }),
  );
});

test("the pick is the least busy of those that have not failed", () => {
  const counts: Record<string, number> = { a: 2, b: 1, c: 1 };
  const count = (endpoint: string) => counts[endpoint] ?? 0;
  const cases: [string[], string[], string | undefined][] = [
    [["a", "b", "c"], [], "b"],
    [["a", "b", "c"], ["b"], "c"],
    [["a", "b", "c"], ["b", "c"], "a"],
    [["a", "b", "c"], ["a", "b", "c"], "b"],
    [["a"], ["a"], "a"],
    [[], [], undefined],
  ];
  for (const [endpoints, failed, expected] of cases) {
    assert.equal(pick(endpoints, count, new Set(failed)), expected);
  }
});
