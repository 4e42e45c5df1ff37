import assert from "node:assert/strict";
import { test } from "node:test";
import type { Medium } from "@localmodel/inference/picture.ts";
import type { PictureReader } from "../prompt/picture-prompt.ts";
import type { PlacedRows } from "../prompt/picture-rows.ts";
import { Sight } from "./sight.ts";

const ROWS = 4;
const NOBODY = new AbortController().signal;
const media = ["a", "b", "c"].map((sha256): Medium => ({
  sha256,
  width: 1,
  height: 1,
  rgb: new Uint8Array(3),
  field: sha256,
}));

const chunkAt = (at: number, medium: number, chunk = 0): PlacedRows => ({
  kind: "rows",
  rows: ROWS,
  positions: ROWS,
  whole: false,
  at,
  medium,
  chunk,
  label: `image ${medium + 1}`,
});
/** The second is in two tiles. */
const rows = [chunkAt(1, 0), chunkAt(6, 1), chunkAt(11, 1, 1), chunkAt(16, 2)];

/** With what it was asked for, and how many of its answers are held. */
function reading() {
  const asked: Parameters<PictureReader["look"]>[0][] = [];
  let held = 0;
  const reader: PictureReader = {
    layout: () => Promise.reject(new Error("laid out before")),
    look: async (wanted) => {
      asked.push(wanted);
      held += 1;
      const encoded = wanted.map(({ rows: count }) =>
        Array.from({ length: count / ROWS }, () => ({
          vectors: new Float32Array(1),
          places: new Int32Array(),
        })),
      );
      return { rows: encoded, [Symbol.dispose]: () => void (held -= 1) };
    },
  };
  return {
    sight: new Sight({ media, rows, reader }),
    names: () => asked.map((wanted) => wanted.map(({ medium }) => medium.sha256).join("")),
    counts: () => asked.map((wanted) => wanted.map(({ rows: count }) => count)),
    held: () => held,
  };
}

test("a prompt looks at what is behind the beginning that it can have, and at all of a picture in tiles", async () => {
  const { sight, names, counts, held } = reading();
  await sight.look(11, NOBODY);
  assert.deepEqual(names(), ["bc"]);
  assert.deepEqual(counts(), [[2 * ROWS, ROWS]]);
  assert.equal(sight.lacks(11), false);
  assert.equal(sight.lacks(6), false);
  assert.equal(sight.lacks(5), false, "nothing is between");
  assert.equal(sight.lacks(1), true);
  await sight.look(0, NOBODY);
  assert.deepEqual(names(), ["bc", "abc"]);
  assert.equal(held(), 1);
  assert.equal(sight.lacks(0), false);
  sight[Symbol.dispose]();
  assert.equal(held(), 0);
});

test("a prompt whose pictures are all cached looks at nothing", async () => {
  const { sight, names } = reading();
  await sight.look(17, NOBODY);
  assert.deepEqual(names(), []);
  assert.equal(sight.lacks(17), false);
  sight.use()[Symbol.dispose]();
});

test("what was found is held until the last choice that began with it has evaluated it", async () => {
  const { sight, held } = reading();
  await sight.look(16, NOBODY);
  const [one, other] = [sight.use(), sight.use()];
  one[Symbol.dispose]();
  one[Symbol.dispose]();
  assert.equal(held(), 1);
  assert.equal(other.rowsOf(rows[3] ?? assert.fail()).vectors.length, 1);
  // The next choice has to look again, and leaves the other what it has.
  await sight.look(0, NOBODY);
  assert.equal(held(), 2);
  other[Symbol.dispose]();
  assert.equal(held(), 1);
  assert.equal(sight.lacks(0), false);
  assert.throws(() => other.rowsOf(rows[0] ?? assert.fail()), /Chunk 0 of medium 0 is not held/);
});

test("what nobody wants any more when it is found is not held", async () => {
  const { sight, held } = reading();
  const gone = new AbortController();
  const looking = sight.look(0, gone.signal);
  gone.abort(new Error("gone"));
  await assert.rejects(looking, /gone/);
  assert.equal(held(), 0);
});
