import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BatchCounters, type BatchItem, slotOrder } from "./batch.ts";

const items = fc.uniqueArray(
  fc.record({
    tokens: fc.array(fc.nat(), { minLength: 1, maxLength: 5 }),
    evaluationPriority: fc.integer({ min: 1, max: 256 }),
  }),
  { selector: (item) => item.evaluationPriority, maxLength: 12 },
);

function itemOf(evaluationPriority: number): BatchItem {
  return { tokens: [1], evaluationPriority };
}

test("puts every item into the batch, whole, in the order of the slots", () => {
  fc.assert(
    fc.property(items, (queued) => {
      const batch = slotOrder<BatchItem>({ batches: 0, sequences: 0 })({ items: queued });
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
  const counters: BatchCounters = { batches: 0, sequences: 0 };
  const order = slotOrder<BatchItem>(counters);
  order({ items: [itemOf(2), itemOf(1)] });
  order({ items: [itemOf(1)] });
  assert.deepEqual(counters, { batches: 2, sequences: 3 });
});
