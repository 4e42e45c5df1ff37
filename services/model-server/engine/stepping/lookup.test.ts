import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Lookup } from "./lookup.ts";

const texts = fc.array(fc.integer({ min: -2, max: 3 }), { maxLength: 60 });
const most = fc.integer({ min: 0, max: 16 });

test("proposes what followed the last tokens where they were written before", () => {
  const lookup = new Lookup([9, 1, 2, 3, 4, 5, 6, 7, 1, 2, 3]);
  assert.deepEqual(lookup.propose(16), { tokens: [4, 5, 6], matched: 3 });
});

test("proposes the more the longer they agree, and goes on where a text repeats itself", () => {
  const period = [5, 6, 7, 8];
  const lookup = new Lookup([...period, ...period, ...period]);
  assert.deepEqual(lookup.propose(7).tokens, [5, 6, 7, 8, 5, 6, 7]);
});

test("proposes nothing after tokens that are new", () => {
  assert.deepEqual(new Lookup([1, 2, 3, 4, 5, 6]).propose(16).tokens, []);
});

test("proposes only what stands behind an equal beginning, never rows of pictures and never too much", () => {
  fc.assert(
    fc.property(texts, most, (tokens, bound) => {
      const { tokens: proposed, matched } = new Lookup(tokens).propose(bound);
      assert.ok(proposed.length <= bound && proposed.length <= matched);
      assert.ok(proposed.every((token) => token >= 0));
      if (proposed.length === 0) return;
      const ends = tokens.map((_, index) => index).slice(matched);
      const whole = [...tokens, ...proposed];
      assert.ok(
        ends.some(
          (at) =>
            equal(tokens.slice(at - matched, at), tokens.slice(-matched)) &&
            equal(whole.slice(at, at + proposed.length), proposed),
        ),
      );
    }),
  );
});

test("proposes the same whether tokens came one by one or all at once", () => {
  fc.assert(
    fc.property(texts, (tokens) => {
      const growing: number[] = [];
      const lookup = new Lookup(growing);
      for (const token of tokens) {
        growing.push(token);
        lookup.propose(8);
      }
      assert.deepEqual(lookup.propose(8), new Lookup(tokens).propose(8));
    }),
  );
});

function equal(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((token, index) => token === b[index]);
}
