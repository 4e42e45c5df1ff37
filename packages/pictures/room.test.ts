import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Room } from "./room.ts";

const { signal } = new AbortController();
/** Until all that can happen has happened. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("no more is held than there is room for, and everybody gets in, in the order of coming", async () => {
  const MAX = 100;
  const visit = fc.record({
    bytes: fc.integer({ min: 1, max: MAX }),
    kept: fc.integer({ min: 0, max: 100 }),
    leaves: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(visit, { minLength: 1, maxLength: 20 }), async (visits) => {
      const room = new Room(MAX);
      const order: number[] = [];
      const stays: Promise<void>[] = [];
      for (const [index, { bytes, kept, leaves }] of visits.entries()) {
        const leaving = new AbortController();
        const stay = (async () => {
          using held = await room.take(bytes, leaving.signal);
          order.push(index);
          assert.ok(room.heldBytes <= MAX);
          held.keep(Math.floor((bytes * kept) / 100));
          await settled();
        })();
        stays.push(stay.catch(() => {}));
        if (leaves) leaving.abort(new Error("gone"));
      }
      await Promise.all(stays);
      assert.equal(room.heldBytes, 0);
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
      );
      const stayed = visits.flatMap(({ leaves }, index) => (leaves ? [] : [index]));
      for (const index of stayed) assert.ok(order.includes(index), `${index}`);
    }),
    { numRuns: 200 },
  );
});

test("who leaves while waiting lets those behind him in", async () => {
  const room = new Room(10);
  const first = await room.take(6, signal);
  const leaving = new AbortController();
  const second = room.take(10, leaving.signal);
  const third = room.take(4, signal);
  leaving.abort(new Error("gone"));
  await assert.rejects(second, /gone/);
  (await third)[Symbol.dispose]();
  first[Symbol.dispose]();
  assert.equal(room.heldBytes, 0);
});

test("what is given back twice counts once", async () => {
  const room = new Room(10);
  const held = await room.take(6, signal);
  held[Symbol.dispose]();
  held[Symbol.dispose]();
  assert.equal(room.heldBytes, 0);
});
