import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { PlacedRows } from "../prompt/picture-rows.ts";
import { cutRun } from "./row-runs.ts";

const gap = fc.nat(4);
const chunk = fc.record({
  rows: fc.integer({ min: 1, max: 9 }),
  positions: fc.integer({ min: 1, max: 9 }),
  whole: fc.boolean(),
});

/** Chunks with so many tokens before each. */
const placed = fc.array(fc.tuple(gap, chunk), { maxLength: 5 }).map((all) => {
  let at = 0;
  return all.map(([before, one], medium): PlacedRows => {
    const start = at + before;
    at = start + one.rows;
    return { kind: "rows", ...one, at: start, medium, label: "image", chunk: 0 };
  });
});

test("runs cover a prompt in order, each of tokens or of one chunk's rows, and whole where it has to be", () => {
  fc.assert(
    fc.property(
      placed,
      fc.nat(4),
      fc.infiniteStream(fc.integer({ min: 1, max: 7 })),
      (chunks, rest, sizes) => {
        const last = chunks.at(-1);
        const length = (last === undefined ? 0 : last.at + last.rows) + rest;
        let from = 0;
        let position = 0;
        while (from < length) {
          const { value: size } = sizes.next();
          const run = cutRun(chunks, from, Math.min(length, from + size));
          assert.ok(run.to > from && run.to <= length);
          const inside = chunks.find(({ at, rows }) => from >= at && from < at + rows);
          assert.equal(run.rows?.chunk, inside);
          assert.equal(run.position, position);
          if (inside === undefined) {
            assert.ok(chunks.every(({ at }) => at <= from || at >= run.to));
            position += run.to - from;
          } else {
            assert.equal(run.rows?.first, from - inside.at);
            const end = inside.at + inside.rows;
            if (inside.whole) assert.equal(run.to, end);
            if (run.to === end) position += inside.positions;
          }
          from = run.to;
        }
      },
    ),
  );
});
