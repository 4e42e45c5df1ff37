import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { GrowingBuffer } from "./growing-buffer.ts";

const MAX_BYTES = 100_000;

test("whatever the pieces, it holds them in order, in no more than twice their bytes or what was announced", () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 9000 }), { maxLength: 10 });
  fc.assert(
    fc.property(pieces, fc.boolean(), (all, isAnnounced) => {
      const wanted = Buffer.concat(all);
      const body = new GrowingBuffer({
        maxBytes: MAX_BYTES,
        announcedBytes: isAnnounced ? wanted.length : undefined,
      });
      for (const piece of all.map((bytes) => Buffer.from(bytes))) {
        const capacity = body.capacityWith(piece);
        assert.ok(capacity <= Math.max(16_384, 2 * (body.length + piece.length)));
        assert.ok(capacity <= (isAnnounced ? wanted.length : MAX_BYTES));
        body.add(piece);
      }
      assert.deepEqual(body.whole(), wanted);
    }),
  );
});

test("a body that comes in one piece is that piece, and no copy of it", () => {
  const piece = Buffer.from("whole");
  const body = new GrowingBuffer({ maxBytes: MAX_BYTES, announcedBytes: piece.length });
  body.add(piece);
  assert.equal(body.whole().buffer, piece.buffer);
});
