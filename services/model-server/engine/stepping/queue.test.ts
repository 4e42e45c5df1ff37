import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nextInLine, type Waiting } from "./queue.ts";

type Request = { name: number; unstarted: number; running: number };

const requests = fc.array(
  fc.record({ unstarted: fc.nat({ max: 20 }), running: fc.nat({ max: 20 }) }),
  { maxLength: 20 },
);

function start(request: Request): void {
  request.unstarted -= 1;
  request.running += 1;
}

test("nobody goes next when nobody waits", () => {
  assert.equal(nextInLine<Waiting>([]), undefined);
  assert.equal(nextInLine<Waiting>([{ unstarted: 0, running: 3 }]), undefined);
});

test("the request with the fewest slots goes next, the oldest of equals", () => {
  fc.assert(
    fc.property(requests, (waiting) => {
      const next = nextInLine<Waiting>(waiting);
      const open = waiting.filter(({ unstarted }) => unstarted > 0);
      const fewest = Math.min(...open.map(({ running }) => running));
      assert.equal(
        next,
        open.find(({ running }) => running === fewest),
      );
    }),
  );
});

test("slots are shared evenly between requests, whatever they ask for", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 64 }),
      (wanted, slots) => {
        const all = wanted.map((unstarted, name): Request => ({ name, unstarted, running: 0 }));
        for (let slot = 0; slot < slots; slot++) {
          const next = nextInLine(all);
          if (next !== undefined) start(next);
        }
        const most = Math.max(...all.map(({ running }) => running));
        for (const { unstarted, running } of all) {
          assert.ok(unstarted === 0 || running >= most - 1);
        }
      },
    ),
  );
});

test("single requests are first come, first served", () => {
  const all = Array.from({ length: 10 }, (_, name): Request => ({
    name,
    unstarted: 1,
    running: 0,
  }));
  const order: number[] = [];
  for (let next = nextInLine(all); next !== undefined; next = nextInLine(all)) {
    order.push(next.name);
    start(next);
  }
  assert.deepEqual(order, [...order.keys()]);
});
