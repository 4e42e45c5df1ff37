import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { setImmediate as round } from "node:timers/promises";
import { test } from "node:test";
import { pace } from "./pace.ts";

const PIECE = Buffer.alloc(64 * 1024);
const SLICE_BYTES = 256 * 1024;

test("of many large bodies, one slice is read in each round of the event loop, and all of it in the end", async () => {
  const BODIES = 8;
  const PIECES = 40;
  let bytes = 0;
  const bodies = Array.from({ length: BODIES }, () => {
    let left = PIECES;
    return new Readable({
      read() {
        this.push(left-- > 0 ? PIECE : null);
      },
    });
  });
  for (const body of bodies) {
    pace(body);
    body.on("data", (piece: Buffer) => (bytes += piece.length));
  }
  // Each begins with a slice of its own.
  await round();
  let before = bytes;
  assert.ok(before <= (BODIES + 1) * SLICE_BYTES, `${before}`);
  while (bodies.some(({ readableEnded }) => !readableEnded)) {
    await round();
    assert.ok(bytes - before <= 2 * SLICE_BYTES, `${bytes - before} in one round`);
    before = bytes;
  }
  assert.equal(bytes, BODIES * PIECES * PIECE.length);
});
