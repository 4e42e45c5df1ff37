import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { FairQueue } from "./fair-queue.ts";

function drained(queue: FairQueue<string>): string[] {
  const items: string[] = [];
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) items.push(item);
  return items;
}

test("tenants take turns, each in its own order", () => {
  const queue = new FairQueue<string>();
  for (const item of ["a1", "a2", "a3", "b1", "c1", "c2"]) queue.push(item.charAt(0), item);
  assert.deepEqual(drained(queue), ["a1", "b1", "c1", "a2", "c2", "a3"]);
});

test("one who comes late does not wait for all who came before", () => {
  const queue = new FairQueue<string>();
  for (const item of ["a1", "a2", "a3", "a4"]) queue.push("a", item);
  assert.equal(queue.shift(), "a1");
  queue.push("b", "b1");
  assert.deepEqual(drained(queue), ["a2", "b1", "a3", "a4"]);
});

test("whoever leaves is not served, and costs his tenant no turn", () => {
  const queue = new FairQueue<string>();
  for (const item of ["a1", "a2", "b1"]) queue.push(item.charAt(0), item);
  queue.delete("a", "a1");
  queue.delete("a", "a1");
  queue.delete("x", "x1");
  assert.equal(queue.size, 2);
  assert.deepEqual(drained(queue), ["a2", "b1"]);
});

test("between two turns of a tenant, nobody else has more than one", () => {
  const tenant = fc.constantFrom("a", "b", "c");
  fc.assert(
    fc.property(fc.array(tenant, { maxLength: 60 }), (tenants) => {
      const queue = new FairQueue<string>();
      for (const [index, one] of tenants.entries()) queue.push(one, `${one}${index}`);
      const order = drained(queue);
      assert.deepEqual(order.toSorted(), tenants.map((one, index) => `${one}${index}`).toSorted());
      const latest = new Map<string, number>();
      for (const [index, item] of order.entries()) {
        const owner = item.charAt(0);
        const between = order
          .slice((latest.get(owner) ?? -1) + 1, index)
          .map((one) => one.charAt(0));
        assert.equal(new Set(between).size, between.length);
        latest.set(owner, index);
      }
    }),
  );
});

test("how many come first is told exactly to a newcomer, and never too low to one who waits already", () => {
  const tenants = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 40 });
  fc.assert(
    fc.property(tenants, fc.nat(20), fc.constantFrom("a", "new"), (waiting, served, tenant) => {
      const queue = new FairQueue<string>();
      for (const [index, one] of waiting.entries()) queue.push(one, `${one}${index}`);
      for (let count = 0; count < served; count++) queue.shift();
      const before = queue.before(tenant);
      queue.push(tenant, "it");
      const place = drained(queue).indexOf("it");
      if (tenant === "new") assert.equal(before, place);
      else assert.ok(place <= before, `${place} were before it, and ${before} were told`);
    }),
  );
});
