import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { composeStep, type SlotNeed } from "./compose.ts";

const need = fc.record({
  prompt: fc.oneof(fc.constant(0), fc.nat({ max: 3000 })),
  waited: fc.nat({ max: 5000 }),
  put: fc.oneof(fc.constant(0), fc.nat({ max: 100 })),
  scored: fc.boolean(),
});
const needs = fc.array(need, { minLength: 1, maxLength: 32 });
const limits = fc
  .record({ promptTokens: fc.nat({ max: 2048 }), batchTokens: fc.integer({ min: 32, max: 2048 }) })
  .chain((some) => fc.integer({ min: 32, max: 512 }).map((outputs) => ({ ...some, outputs })));

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
const outputsOf = ({ prompt, scored }: Omit<SlotNeed, "guess">, tokens: number): number =>
  scored ? tokens : tokens > 0 && tokens >= prompt ? 1 : 0;

test("whoever decodes evaluates one token and what was put there, and nobody more than he has", () => {
  fc.assert(
    fc.property(needs, limits, (slots, bounds) => {
      for (const [index, tokens] of composeStep(slots, bounds).entries()) {
        const { prompt = 0, put = 0 } = slots[index] ?? {};
        if (prompt === 0) assert.ok(tokens >= 1 && tokens <= 1 + put);
        else assert.ok(tokens >= 0 && tokens <= prompt);
      }
    }),
  );
});

test("a step stays within its batch, its outputs and what prompts may have", () => {
  fc.assert(
    fc.property(needs, limits, (slots, bounds) => {
      const tokens = composeStep(slots, bounds);
      const decoding = slots.filter(({ prompt }) => prompt === 0).length;
      assert.ok(sum(tokens) - decoding <= bounds.promptTokens);
      assert.ok(sum(tokens) <= bounds.batchTokens);
      const outputs = slots.map((slot, index) => outputsOf(slot, tokens[index] ?? 0));
      assert.ok(sum(outputs) <= bounds.outputs);
    }),
  );
});

test("prompts get on whenever they may have anything", () => {
  fc.assert(
    fc.property(needs, limits, (slots, bounds) => {
      const decoding = slots.filter(({ prompt }) => prompt === 0).length;
      fc.pre(decoding < slots.length && bounds.promptTokens > 0 && decoding < bounds.batchTokens);
      assert.ok(sum(composeStep(slots, bounds)) > decoding);
    }),
  );
});

test("short prompts that fit are evaluated whole in one step, beside those who decode", () => {
  const slots = [7, 0, 30, 12].map((prompt) => ({ prompt, waited: 0, put: 0, scored: false }));
  const bounds = { promptTokens: 64, batchTokens: 512, outputs: 16 };
  assert.deepEqual(composeStep(slots, bounds), [7, 1, 30, 12]);
});
