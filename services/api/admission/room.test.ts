import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { makeRoom, Room } from "./room.ts";

const PLACES = 12;

test("where there is no room left, nobody who has less than an equal share is refused, or loses a place", () => {
  const step = fc.record({
    tenant: fc.constantFrom("hog", "hog", "hog", "a", "b", "c"),
    room: fc.nat({ max: 2 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const rooms = [0, 1, 2].map(() => new Room(0, { now: () => 0, gateways: () => 1 }));
      const lengths = new Map<string, number>();
      const lost: string[] = [];
      for (const { tenant, room } of steps) {
        const own = lengths.get(tenant) ?? 0;
        const present = new Set([...lengths.keys(), tenant]);
        const share = Math.floor(PLACES / present.size);
        const waiting = rooms.reduce((sum, one) => sum + one.waiting, 0);
        assert.ok(waiting <= PLACES);
        if (waiting === PLACES) {
          const before = new Map(lengths);
          if (!makeRoom(rooms, tenant)) {
            assert.ok(own >= share, `${tenant} was refused with ${own} of ${share}`);
            continue;
          }
          const name = lost.pop() ?? "";
          assert.ok((before.get(name) ?? 0) > share, `${name} lost a place of its share`);
        }
        lengths.set(tenant, (lengths.get(tenant) ?? 0) + 1);
        rooms[room]?.wait({
          tenant,
          sinceMs: 0,
          deadlineMs: Infinity,
          letIn: () => {},
          turnAway: () => {
            lost.push(tenant);
            lengths.set(tenant, (lengths.get(tenant) ?? 1) - 1);
            if (lengths.get(tenant) === 0) lengths.delete(tenant);
          },
        });
      }
    }),
  );
});
