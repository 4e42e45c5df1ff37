import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { composeStep, type SlotNeed } from "./compose.ts";

const need = fc.record({ prompt: fc.nat({ max: 3000 }), scored: fc.boolean() });
const needs = fc.array(need, { minLength: 1, maxLength: 32 });
const limits = fc
  .record({ promptTokens: fc.nat({ max: 2048 }), batchTokens: fc.integer({ min: 32, max: 2048 }) })
  .chain((some) => fc.integer({ min: 32, max: 512 }).map((outputs) => ({ ...some, outputs })));

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
const outputsOf = ({ prompt, scored }: SlotNeed, tokens: number): number =>
  scored && prompt > 0 ? tokens : tokens > 0 && tokens >= prompt ? 1 : 0;

test("whoever decodes evaluates one token, and no prompt more than it has left", () => {
  fc.assert(
    fc.property(needs, limits, (slots, bounds) => {
      for (const [index, tokens] of composeStep(slots, bounds).entries()) {
        const { prompt = 0 } = slots[index] ?? {};
        if (prompt === 0) assert.equal(tokens, 1);
        else assert.ok(tokens >= 0 && tokens <= prompt);
      }
    }),
  );
});

test("a step stays within its batch, its outputs and what prompts may have", () => {
  fc.assert(
    fc.property(needs, limits, (slots, bounds) => {
      const tokens = composeStep(slots, bounds);
      const ofPrompts = tokens.filter((_, index) => (slots[index]?.prompt ?? 0) > 0);
      assert.ok(sum(ofPrompts) <= bounds.promptTokens);
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
  const slots = [7, 0, 30, 12].map((prompt) => ({ prompt, scored: false }));
  const bounds = { promptTokens: 64, batchTokens: 512, outputs: 16 };
  assert.deepEqual(composeStep(slots, bounds), [7, 1, 30, 12]);
});
