import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BatchCounters, type BatchItem, slotOrder } from "./batch.ts";

const items = fc.uniqueArray(
  fc.record({
    tokens: fc.array(fc.nat(), { minLength: 1, maxLength: 5 }),
    logits: fc.constant([]),
    evaluationPriority: fc.integer({ min: 1, max: 256 }),
  }),
  { selector: (item) => item.evaluationPriority, maxLength: 12 },
);

function itemOf(evaluationPriority: number): BatchItem {
  return { tokens: [1], logits: [true], evaluationPriority };
}

function none(): BatchCounters {
  return { batches: 0, sequences: 0, unsafe: 0 };
}

test("puts every item into the batch, whole, in the order of the slots", () => {
  fc.assert(
    fc.property(items, (queued) => {
      const batch = slotOrder<BatchItem>(none())({ items: queued });
      const slots = batch.map(({ item }) => item.evaluationPriority);
      assert.deepEqual(
        slots,
        slots.toSorted((a, b) => a - b),
      );
      assert.deepEqual(new Set(batch.map(({ item }) => item)), new Set(queued));
      for (const { item, processAmount } of batch) assert.equal(processAmount, item.tokens.length);
    }),
  );
});

test("counts batches and the sequences in them", () => {
  const counters = none();
  const order = slotOrder<BatchItem>(counters);
  order({ items: [itemOf(2), itemOf(1)] });
  order({ items: [itemOf(1)] });
  assert.deepEqual(counters, { batches: 2, sequences: 3, unsafe: 0 });
});

test("counts batches in which a chunk of several tokens has an output beside other sequences", () => {
  const counters = none();
  const order = slotOrder<BatchItem>(counters);
  const chunk = { tokens: [1, 2], logits: [undefined, true] as const, evaluationPriority: 2 };
  order({ items: [itemOf(1), chunk] });
  order({ items: [chunk] });
  order({ items: [itemOf(1), { ...chunk, logits: [] }] });
  assert.equal(counters.unsafe, 1);
});
