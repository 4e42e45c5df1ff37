/** Guesses on a machine whose steps take what a formula says: what they cost where they are wrong, and save where they are right. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Drafting } from "./drafting.ts";

const ROOM = { batchTokens: 512, outputs: 512 };

type Machine = {
  /** What a row more takes, of what a step of one row takes. */
  readonly slope: number;
  readonly slots: number;
};

/** Whether the guess that a position holds is right, and what the slot believes of it. */
type Text = {
  readonly length: number;
  readonly chance: (position: number) => number;
  readonly isRight: (position: number) => boolean;
};

/** Every slot says the same text. Time in steps of one row. */
function timeOf({ slope, slots }: Machine, text: Text, drafting = new Drafting()): number {
  const cost = (rows: number): number => 1 + slope * (rows - 1);
  const at = Array.from({ length: slots }, () => 0);
  let time = 0;
  for (;;) {
    const open = at.filter((position) => position < text.length);
    if (open.length === 0) return time;
    const needs = open.map((position) => {
      const length = Math.max(0, Math.min(16, text.length - position - 1));
      return {
        prompt: 0,
        waited: 0,
        put: 0,
        scored: false,
        guess: { length, chance: text.chance(position) },
      };
    });
    const tokens = open.map(() => 1);
    const lengths = drafting.lengths(needs, tokens, ROOM);
    const rows = lengths.reduce((sum, length) => sum + 1 + length, 0);
    const gained = open.map((position, index) => {
      let right = 0;
      while (right < (lengths[index] ?? 0) && text.isRight(position + right)) right += 1;
      return 1 + right;
    });
    const settledRows = gained.reduce((sum, one) => sum + one, 0);
    const durationMs = cost(rows);
    drafting.record({ rows, certainRows: open.length, settledRows, durationMs });
    time += durationMs;
    let next = 0;
    for (const [slot, position] of at.entries()) {
      if (position < text.length) at[slot] = position + (gained[next++] ?? 1);
    }
  }
}

/** Without guesses all slots step together. */
function plainTimeOf({ slope, slots }: Machine, { length }: Text): number {
  return length * (1 + slope * (slots - 1));
}

const machines = fc.record({
  slope: fc.double({ min: 0, max: 1, noNaN: true }),
  slots: fc.constantFrom(1, 2, 4),
});

test("guesses that are believed in and always wrong cost less than three percent of any answer", () => {
  fc.assert(
    fc.property(machines, fc.integer({ min: 128, max: 1024 }), (machine, length) => {
      const text = { length, chance: () => 0.99, isRight: () => false };
      const [time, plain] = [timeOf(machine, text), plainTimeOf(machine, text)];
      assert.ok(time <= 1.03 * plain, `${time} for ${plain}`);
    }),
    { numRuns: 30 },
  );
});

test("whatever is right, and whatever is believed, all together takes a hundredth longer at most, and two steps", () => {
  const patterns = fc.array(fc.boolean(), { minLength: 1, maxLength: 64 });
  const beliefs = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
    minLength: 1,
    maxLength: 64,
  });
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1, noNaN: true }),
      patterns,
      beliefs,
      (slope, right, believed) => {
        const machine = { slope, slots: 1 };
        const text = {
          length: 512,
          chance: (position: number) => believed[position % believed.length] ?? 0,
          isRight: (position: number) => right[position % right.length] ?? false,
        };
        const [time, plain] = [timeOf(machine, text), plainTimeOf(machine, text)];
        assert.ok(time <= 1.01 * plain + 2 + 1e-6, `${time} for ${plain}`);
      },
    ),
  );
});

test("texts that repeated themselves do not pay for many wrong guesses afterwards", () => {
  const drafting = new Drafting();
  const machine = { slope: 0.3, slots: 1 };
  timeOf(machine, { length: 2000, chance: () => 0.99, isRight: () => true }, drafting);
  const wrong = { length: 2000, chance: () => 0.99, isRight: () => false };
  const time = timeOf(machine, wrong, drafting);
  assert.ok(time <= 1.03 * plainTimeOf(machine, wrong), `${time}`);
});

test("where guesses are right they are made, and steps are saved", () => {
  for (const slope of [0, 0.1, 0.3, 0.5]) {
    const machine = { slope, slots: 1 };
    const text = { length: 512, chance: () => 0.95, isRight: () => true };
    const gain = plainTimeOf(machine, text) / timeOf(machine, text);
    assert.ok(gain > 1.5, `${gain} times as fast where a row takes ${slope} of a step`);
  }
});
