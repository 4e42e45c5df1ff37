import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { positionAfter, rowTokens, wholeLength } from "./picture-rows.ts";

const sha256 = fc.integer().map((seed) => createHash("sha256").update(`${seed}`).digest("hex"));
const chunk = fc.record({
  kind: fc.constant("rows" as const),
  rows: fc.integer({ min: 1, max: 40 }),
  positions: fc.integer({ min: 1, max: 65_535 }),
  whole: fc.boolean(),
});
/** A prompt in parts: tokens, and chunks of pictures, also one behind another. */
const parts = fc.array(
  fc.oneof(
    fc.array(fc.nat(50_000), { minLength: 1, maxLength: 5 }).map((tokens) => ({ tokens })),
    fc.tuple(sha256, fc.nat(3), chunk).map(([hash, index, rows]) => ({
      tokens: rowTokens(hash, index, rows),
      positions: rows.positions,
    })),
  ),
  { maxLength: 8 },
);

test("a chunk's rows are numbers below zero, the same for the same picture and no other's", () => {
  fc.assert(
    fc.property(sha256, sha256, chunk, (one, other, rows) => {
      const tokens = rowTokens(one, 0, rows);
      assert.equal(tokens.length, rows.rows);
      assert.ok(tokens.every((token) => Number.isSafeInteger(token) && token < 0));
      assert.deepEqual(rowTokens(one, 0, rows), tokens);
      const others = [
        ...rowTokens(one, 1, rows),
        ...(one === other ? [] : rowTokens(other, 0, rows)),
      ];
      assert.equal(
        others.some((token) => tokens.includes(token)),
        false,
      );
    }),
  );
});

test("a beginning is cut to what ends with a chunk or a token, and its position is that of what follows", () => {
  fc.assert(
    fc.property(parts, fc.nat(), (prompt, at) => {
      const tokens = prompt.flatMap((part) => part.tokens);
      const ends = [0];
      const positions = [0];
      for (const part of prompt) {
        const singles = "positions" in part ? [part.positions] : part.tokens.map(() => 1);
        for (const taken of singles) {
          ends.push((ends.at(-1) ?? 0) + ("positions" in part ? part.tokens.length : 1));
          positions.push((positions.at(-1) ?? 0) + taken);
        }
      }
      const length = tokens.length === 0 ? 0 : at % tokens.length;
      const whole = wholeLength(tokens, length);
      const wanted = Math.max(...ends.filter((end) => end <= length));
      assert.equal(whole, wanted);
      assert.equal(positionAfter(tokens, whole), positions[ends.indexOf(wanted)]);
    }),
  );
});

test("at the end of what a slot holds a picture counts as one in parts", () => {
  const rows = rowTokens("a", 0, { kind: "rows", rows: 3, positions: 3, whole: false });
  assert.equal(wholeLength([5, ...rows], 4), 1);
  assert.equal(wholeLength([5, ...rows, 6], 5), 5);
  assert.equal(wholeLength([5], 1), 1);
  assert.equal(wholeLength([], 0), 0);
});
