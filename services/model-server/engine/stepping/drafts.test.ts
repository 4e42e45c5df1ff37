import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { draftLengths } from "./drafts.ts";
import { StepCosts } from "./step-costs.ts";

const guesses = fc.array(
  fc.record({ length: fc.nat({ max: 16 }), chance: fc.double({ min: 0, max: 1, noNaN: true }) }),
  { minLength: 1, maxLength: 8 },
);
const costs = fc.array(fc.double({ min: 0, max: 5, noNaN: true }), {
  minLength: 200,
  maxLength: 200,
});
const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

test("guesses are within the room and what each slot has, and raise tokens per millisecond", () => {
  fc.assert(
    fc.property(guesses, fc.nat({ max: 64 }), costs, (slots, room, growth) => {
      const cost = (rows: number): number => 1 + sum(growth.slice(0, rows));
      const rows = slots.length;
      const lengths = draftLengths(slots, { rows, room }, cost);
      const all = sum(lengths);
      assert.ok(all <= room);
      for (const [index, { length }] of slots.entries()) assert.ok((lengths[index] ?? 0) <= length);
      if (all === 0) return;
      const gained = slots.map(({ chance }, index) =>
        sum(Array.from({ length: lengths[index] ?? 0 }, (_, at) => chance ** (at + 1))),
      );
      assert.ok((rows + sum(gained)) / cost(rows + all) > rows / cost(rows));
    }),
  );
});

test("takes all guesses where rows cost nothing, and none where each costs as much as a step", () => {
  const slots = [
    { length: 8, chance: 0.9 },
    { length: 3, chance: 0.8 },
  ];
  assert.deepEqual(
    draftLengths(slots, { rows: 2, room: 64 }, () => 5),
    [8, 3],
  );
  assert.deepEqual(
    draftLengths(slots, { rows: 2, room: 64 }, (rows) => rows),
    [0, 0],
  );
});

test("takes of the surest slot first", () => {
  const slots = [
    { length: 8, chance: 0.5 },
    { length: 8, chance: 0.95 },
  ];
  const [unsure = 0, sure = 0] = draftLengths(slots, { rows: 2, room: 6 }, () => 1);
  assert.deepEqual([unsure, sure], [0, 6]);
});

test("costs never fall with rows, and are what was measured where it was measured alone", () => {
  const steps = fc.array(
    fc.record({
      rows: fc.integer({ min: 1, max: 64 }),
      ms: fc.double({ min: 0.1, max: 1e3, noNaN: true }),
    }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(steps, (measured) => {
      const known = new StepCosts();
      for (const { rows, ms } of measured) known.record(rows, ms);
      const all = Array.from({ length: 80 }, (_, index) => known.ms(index + 1));
      for (const [index, ms] of all.entries()) assert.ok(ms >= (all[index - 1] ?? 0) * (1 - 1e-9));
    }),
  );
  const one = new StepCosts();
  one.record(4, 20);
  assert.equal(one.ms(4), 20);
});

test("what was measured long ago is forgotten", () => {
  const known = new StepCosts();
  known.record(1, 10);
  for (let step = 0; step < 1000; step += 1) known.record(5, 12);
  assert.equal(known.knows(1), false);
  assert.equal(known.knows(5), true);
});
