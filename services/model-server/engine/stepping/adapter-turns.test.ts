import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AdapterTurns } from "./adapter-turns.ts";

/** Steps with these adapters wanted, each so many milliseconds long. */
function stepped(stepMs: number, wanted: readonly ReadonlySet<string | undefined>[]) {
  const turns = new AdapterTurns();
  return wanted.map((one, index) => turns.next(one, index * stepMs));
}

const both = new Set(["a", undefined]);

test("short steps with one adapter follow each other, and the other's turn comes", () => {
  const chosen = stepped(
    10,
    Array.from({ length: 20 }, () => both),
  );
  const [first, second] = ["a", undefined].map((one) => Array.from({ length: 5 }, () => one));
  assert.deepEqual(chosen.slice(0, 10), [first, second].flat());
  assert.deepEqual(chosen.slice(10), chosen.slice(0, 10));
});

test("where a step takes longer than a turn, each has one", () => {
  const chosen = stepped(
    200,
    Array.from({ length: 6 }, () => both),
  );
  assert.deepEqual(chosen, ["a", undefined, "a", undefined, "a", undefined]);
});

test("who comes to a model that has been busy with one adapter is next", () => {
  const alone = new Set(["a"]);
  assert.deepEqual(
    stepped(10, [...Array.from({ length: 9 }, () => alone), both]).at(-1),
    undefined,
  );
});

test("every step is with an adapter that is wanted, and none that stays wanted is left out", () => {
  const ids: readonly (string | undefined)[] = ["a", "b", "c", undefined];
  const some = fc.uniqueArray(fc.constantFrom(...ids), { minLength: 1 });
  fc.assert(
    fc.property(
      fc.array(some, { minLength: 1, maxLength: 60 }),
      fc.constantFrom(1, 7, 30, 400),
      fc.constantFrom(...ids),
      (rounds, stepMs, always) => {
        const wanted = rounds.map((round) => new Set([...round, always]));
        const chosen = stepped(stepMs, wanted);
        for (const [index, one] of chosen.entries()) assert.ok(wanted[index]?.has(one));
        // The others' turns together, and the steps in which they end.
        const most = Math.ceil(50 / stepMs) + ids.length;
        const steps = [
          -1,
          ...chosen.flatMap((one, index) => (one === always ? index : [])),
          chosen.length,
        ];
        for (const [at, step] of steps.slice(1).entries()) {
          assert.ok(
            step - (steps[at] ?? 0) - 1 <= most,
            `left out for ${step - (steps[at] ?? 0)} steps`,
          );
        }
      },
    ),
    { numRuns: 2000 },
  );
});
