import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import type { Response } from "express";
import * as fc from "fast-check";
import { BodyMemory } from "./body-memory.ts";

/** A response that is closed when it is told to. */
class Exchange extends EventEmitter {
  closed = false;

  close(): void {
    this.closed = true;
    this.emit("close");
  }
}

const MAX_BYTES = 1000;

function requestOf(memory: BodyMemory, owner: string) {
  const exchange = new Exchange();
  const share = memory.shareOf(exchange as unknown as Response, owner);
  let bytes = 0;
  return {
    owner,
    get bytes() {
      return bytes;
    },
    grow(more: number): boolean {
      const grown = share.growTo(bytes + more);
      if (grown) bytes += more;
      return grown;
    },
    close: () => exchange.close(),
  };
}

test("what one owner holds leaves as much for the others, and comes back when its requests end", () => {
  const memory = new BodyMemory(() => MAX_BYTES);
  const hog = Array.from({ length: 20 }, () => requestOf(memory, "hog"));
  const taken = hog.filter((request) => request.grow(100));
  assert.equal(taken.length, 5);
  assert.equal(requestOf(memory, "newcomer").grow(250), true);
  assert.equal(memory.takenBytes, 750);
  for (const request of hog) request.close();
  assert.equal(memory.takenBytes, 250);
  assert.equal(requestOf(memory, "hog").grow(300), true);
});

test("whoever takes and gives back whatever: nothing is lost, and a newcomer has half of what is free", () => {
  const step = fc.record({
    type: fc.constantFrom("open", "grow", "grow", "close"),
    owner: fc.constantFrom("a", "b", "c"),
    which: fc.nat(),
    bytes: fc.integer({ min: 1, max: MAX_BYTES }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const memory = new BodyMemory(() => MAX_BYTES);
      const open: ReturnType<typeof requestOf>[] = [];
      for (const { type, owner, which, bytes } of steps) {
        const at = open.length === 0 ? 0 : which % open.length;
        if (type === "open") open.push(requestOf(memory, owner));
        else if (type === "grow") open[at]?.grow(bytes);
        else open.splice(at, 1)[0]?.close();
        const held = open.reduce((sum, request) => sum + request.bytes, 0);
        assert.equal(memory.takenBytes, held);
        const free = MAX_BYTES - held;
        assert.ok(free > 0, "there is nothing left for a newcomer");
        const newcomer = requestOf(memory, "newcomer");
        assert.equal(newcomer.grow(Math.floor(free / 2)), true);
        newcomer.close();
        const alone = new Set(open.map((request) => request.owner)).size <= 1;
        if (alone) assert.ok(held <= MAX_BYTES / 2, `one owner holds ${held}`);
      }
    }),
  );
});

test("a request that has ended takes nothing any more", () => {
  const memory = new BodyMemory(() => MAX_BYTES);
  const request = requestOf(memory, "a");
  request.close();
  request.grow(100);
  assert.equal(memory.takenBytes, 0);
});
