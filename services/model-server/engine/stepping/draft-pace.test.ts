/** A draft model on a machine whose steps take what a formula says. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Drafting } from "./drafting.ts";

type Machine = {
  /** What a row more takes, and what the draft model takes for a token, of what a step of one row takes. */
  readonly slope: number;
  readonly draftCost: number;
  /** Whether the draft model is right about the token at a position. */
  readonly isRight: (position: number) => boolean;
};

const ROOM = { batchTokens: 512, outputs: 512 };

/** Of one slot's text, in steps of one row: without guesses it is the length. */
function run({ slope, draftCost, isRight }: Machine, length: number, drafting = new Drafting()) {
  let [position, time, drafted] = [0, 0, 0];
  while (position < length) {
    const asked = drafting.modelLength(1, 8);
    const guess = { length: asked, chance: drafting.modelChance };
    const need = { prompt: 0, waited: 0, put: 0, scored: false, guess };
    const [taken = 0] = asked === 0 ? [0] : drafting.lengths([need], [1], ROOM);
    let right = 0;
    while (right < asked && isRight(position + right)) {
      drafting.observeModel(true);
      right += 1;
    }
    if (right < asked) drafting.observeModel(false);
    const settledRows = 1 + Math.min(right, taken);
    const durationMs = 1 + slope * taken;
    const draft = asked === 0 ? undefined : { tokens: asked, durationMs: asked * draftCost };
    drafting.record({ rows: 1 + taken, certainRows: 1, settledRows, durationMs, draft });
    position += settledRows;
    time += durationMs + (draft?.durationMs ?? 0);
    drafted += asked;
  }
  return { time, drafted };
}

const share = (max: number) => fc.double({ min: 0, max, noNaN: true });

test("a draft model that is never right costs less than three percent, however cheap it is", () => {
  fc.assert(
    fc.property(share(1), share(0.5), (slope, draftCost) => {
      const { time } = run({ slope, draftCost, isRight: () => false }, 512);
      assert.ok(time <= 1.03 * 512, `${time}`);
    }),
  );
});

function isMostlyRight(position: number): boolean {
  return position % 5 !== 0;
}

test("one that is mostly right makes texts faster, and one that is as slow as the model is let alone", () => {
  const good = run({ slope: 0.1, draftCost: 0.1, isRight: isMostlyRight }, 512);
  assert.ok(good.time < 512 / 1.4, `${good.time}`);
  const slow = run({ slope: 0.1, draftCost: 1, isRight: isMostlyRight }, 512);
  assert.ok(slow.time <= 1.03 * 512, `${slow.time}`);
  assert.ok(slow.drafted < 60, `${slow.drafted}`);
});

test("one that was no good for a text is tried again for the next", () => {
  const drafting = new Drafting();
  const machine = { slope: 0.1, draftCost: 0.1 };
  run({ ...machine, isRight: () => false }, 2000, drafting);
  const { time } = run({ ...machine, isRight: () => true }, 2000, drafting);
  assert.ok(time < 2000 / 1.5, `${time}`);
});
