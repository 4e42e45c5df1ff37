import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { chooseSlot, commonPrefix, type SlotView } from "./slot-choice.ts";

const WORTHWHILE = 16;

function tokens(length: number, from = 0): number[] {
  return Array.from({ length }, (_, index) => from + index);
}

/** Slots that were never used, but for what `differences` say; their number is their place. */
function slotsOf(...differences: Partial<SlotView>[]): SlotView[] {
  return differences.map((difference, number) => ({
    number,
    busy: false,
    tokens: [],
    owner: "",
    lastUse: 0,
    ...difference,
  }));
}

function chosen(slots: readonly SlotView[], prompt: readonly number[], owner = "") {
  return chooseSlot(slots, prompt, owner)?.number;
}

const slotViews = fc
  .array(
    fc.record({
      busy: fc.boolean(),
      tokens: fc.nat({ max: 60 }).map((length) => tokens(length)),
      owner: fc.constantFrom("a", "b"),
      lastUse: fc.nat({ max: 20 }),
    }),
    { maxLength: 8 },
  )
  .map((slots) => slotsOf(...slots));
const prompts = fc.integer({ min: 1, max: 80 }).map((length) => tokens(length));

test("a slot is chosen exactly if one is free, and it is free", () => {
  fc.assert(
    fc.property(slotViews, prompts, (slots, prompt) => {
      const slot = chooseSlot(slots, prompt, "a");
      assert.equal(
        slot !== undefined,
        slots.some(({ busy }) => !busy),
      );
      assert.equal(slot?.busy ?? false, false);
    }),
  );
});

test("the longest beginning that is worth having wins, and only one's own", () => {
  fc.assert(
    fc.property(slotViews, prompts, (slots, prompt) => {
      const reusable = slots
        .filter(({ busy, owner }) => !busy && owner === "a")
        .map((slot) => Math.min(slot.tokens.length, prompt.length - 1));
      const longest = Math.max(0, ...reusable);
      if (longest < WORTHWHILE) return;
      const slot = chooseSlot(slots, prompt, "a");
      assert.equal(slot?.owner, "a");
      assert.equal(Math.min(slot?.tokens.length ?? 0, prompt.length - 1), longest);
    }),
  );
});

test("another owner's slot is no better than an unused one", () => {
  const theirs = { tokens: tokens(100), owner: "alice", lastUse: 1 };
  assert.equal(chosen(slotsOf(theirs, {}), tokens(100), "bob"), 1);
  assert.equal(chosen(slotsOf(theirs, {}), tokens(100), "alice"), 0);
});

test("a template's first words are not worth displacing a conversation", () => {
  const conversation = { tokens: [...tokens(5), 900, 901], lastUse: 1 };
  assert.equal(chosen(slotsOf(conversation, {}), tokens(50)), 1);
});

test("a short prompt does not displace a conversation for the one token that all begin with", () => {
  const conversation = { tokens: [0, ...tokens(200, 500)], lastUse: 1 };
  for (const prompt of [[0], [0, 1], [0, 1, 2, 3]]) {
    assert.equal(chosen(slotsOf(conversation, {}), prompt), 1);
  }
});

test("of conversations that begin alike, the one idle for longest makes room for a new one", () => {
  const shared = tokens(100);
  const slots = slotsOf(
    { tokens: [...shared, 901, 902], lastUse: 7 },
    { tokens: [...shared, 903, 904], lastUse: 3 },
    { tokens: [...shared, 905, 906], lastUse: 5 },
  );
  assert.equal(chosen(slots, [...shared, 950]), 1);
  assert.equal(chosen(slots, [...shared, 905, 906, 951]), 2);
});

test("with nothing to reuse, a neighbour of a running slot is chosen", () => {
  const busy = { busy: true };
  assert.equal(chosen(slotsOf({}, {}, {}, busy), tokens(9)), 2);
  assert.equal(chosen(slotsOf(busy, { lastUse: 9 }, {}, {}), tokens(9)), 1);
  assert.equal(chosen(slotsOf(busy, busy, {}, busy, {}), tokens(9)), 2);
});

test("slots are filled so that the running ones are neighbours", () => {
  const views = slotsOf({}, { lastUse: 4 }, {}, { lastUse: 2 }, {}, { lastUse: 1 });
  const slots = views.map((view) => ({ ...view }));
  const running: number[] = [];
  while (running.length < slots.length) {
    const slot = chooseSlot(slots, tokens(9), "");
    assert.ok(slot !== undefined);
    slot.busy = true;
    running.push(slot.number);
    assert.equal(Math.max(...running) - Math.min(...running), running.length - 1);
  }
});

test("on an idle engine, slots never used come first, then the one unused for longest", () => {
  assert.equal(chosen(slotsOf({ lastUse: 1 }, {}, {}), tokens(9)), 1);
  assert.equal(chosen(slotsOf({ lastUse: 3 }, { lastUse: 1 }, { lastUse: 2 }), tokens(9)), 1);
});

test("commonPrefix is as long as both agree", () => {
  const few = fc.array(fc.nat({ max: 2 }), { maxLength: 12 });
  fc.assert(
    fc.property(few, few, few, (shared, a, b) => {
      const left = [...shared, ...a];
      const right = [...shared, ...b];
      const length = commonPrefix(left, right);
      assert.ok(length >= shared.length);
      assert.deepEqual(left.slice(0, length), right.slice(0, length));
      assert.ok(length === Math.min(left.length, right.length) || left[length] !== right[length]);
    }),
  );
});
