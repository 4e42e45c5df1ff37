import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededRandom } from "../../../test/support/seeded-random.ts";
import { Pace, shareBudget } from "./pace.ts";

/** A machine whose step takes `passMs` for going through the weights and `tokenMs` for every token. */
type Machine = { readonly passMs: number; readonly tokenMs: number };
/** What a step takes is multiplied by it. */
type Hiccup = (step: number) => number;

const BATCH_TOKENS = 2048;
const MIXED_SHARE = 1.5;
const FEWEST = 4;

const machine: fc.Arbitrary<Machine> = fc.record({
  passMs: fc.double({ min: 1, max: 500, noNaN: true }),
  tokenMs: fc.double({ min: 0.05, max: 20, noNaN: true }),
});
const slots = fc.integer({ min: 1, max: 16 });

const steady: Hiccup = () => 1;

function noise(seed: number, share: number): Hiccup {
  const random = seededRandom(seed);
  return () => 1 + share * random();
}

/** Runs `steps` steps, each with a chunk of a prompt as large as the pace says; returns the chunks. */
function run(
  pace: Pace,
  { passMs, tokenMs }: Machine,
  load: { decodingSlots: number; prompts: boolean; steps: number },
  hiccup: Hiccup = steady,
): number[] {
  return Array.from({ length: load.steps }, (_, step) => {
    const promptTokens = load.prompts ? pace.promptBudget(load.decodingSlots) : 0;
    const tokens = load.decodingSlots + promptTokens;
    const durationMs = (passMs + tokenMs * tokens) * hiccup(step);
    pace.record({ durationMs, decodingSlots: load.decodingSlots, promptTokens });
    return promptTokens;
  });
}

function decodeMs({ passMs, tokenMs }: Machine, decodingSlots: number): number {
  return passMs + tokenMs * decodingSlots;
}

/** The chunk that adds to a step what the pace allows it to add. */
function idealChunk(on: Machine, decodingSlots: number): number {
  const ideal = (decodeMs(on, decodingSlots) * MIXED_SHARE) / on.tokenMs;
  return Math.min(BATCH_TOKENS - decodingSlots, Math.max(FEWEST, ideal));
}

function assertNear(chunk: number | undefined, ideal: number, tolerance: number): void {
  const what = `${chunk} tokens, where ${ideal.toFixed(1)} would be right`;
  assert.ok(chunk !== undefined && chunk <= ideal * (1 + tolerance) + 1, `too many: ${what}`);
  assert.ok(chunk >= ideal / (1 + tolerance) - 1, `too few: ${what}`);
}

test("no step is given more prompt tokens than the batch has room for, nor none", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 16, max: 4096 }),
      fc.array(
        fc.record({
          durationMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e7, noNaN: true })),
          decodingSlots: fc.nat({ max: 40 }),
          promptTokens: fc.nat({ max: 4096 }),
        }),
        { maxLength: 30 },
      ),
      fc.nat({ max: 300 }),
      (batchTokens, steps, decodingSlots) => {
        const pace = new Pace(batchTokens);
        for (const step of steps) {
          pace.record(step);
          const budget = pace.promptBudget(decodingSlots);
          assert.ok(Number.isInteger(budget) && budget >= 1);
          assert.ok(budget + decodingSlots <= Math.max(batchTokens, decodingSlots + 1));
        }
      },
    ),
  );
});

test("beside decoding, a chunk grows or shrinks to what a step may be delayed by", () => {
  fc.assert(
    fc.property(machine, slots, (on, decodingSlots) => {
      const pace = new Pace(BATCH_TOKENS);
      run(pace, on, { decodingSlots, prompts: false, steps: 3 });
      const chunks = run(pace, on, { decodingSlots, prompts: true, steps: 40 });
      assertNear(chunks.at(-1), idealChunk(on, decodingSlots), 0.1);
    }),
    { numRuns: 500 },
  );
});

test("alone, a chunk takes as long as a client may be gone unnoticed, or as two decode steps", () => {
  fc.assert(
    fc.property(machine, (on) => {
      const pace = new Pace(BATCH_TOKENS);
      run(pace, on, { decodingSlots: 1, prompts: false, steps: 3 });
      const chunk = run(pace, on, { decodingSlots: 0, prompts: true, steps: 60 }).at(-1) ?? 0;
      const targetMs = Math.max(60, 2 * decodeMs(on, 1));
      const tookMs = on.passMs + on.tokenMs * chunk;
      // Multiplying finds the size only where the time is in proportion to it; too few is the safe side.
      assert.ok(chunk === 16 || tookMs <= targetMs * 1.1, `${chunk} tokens take ${tookMs} ms`);
      assert.ok(chunk === BATCH_TOKENS || tookMs >= targetMs * 0.5 || chunk === 16);
    }),
    { numRuns: 500 },
  );
});

test("noise moves a chunk around what is right, not away from it", () => {
  fc.assert(
    fc.property(machine, slots, fc.nat(), (on, decodingSlots, seed) => {
      const pace = new Pace(BATCH_TOKENS);
      const hiccup = noise(seed, 0.2);
      run(pace, on, { decodingSlots, prompts: false, steps: 10 }, hiccup);
      const chunks = run(pace, on, { decodingSlots, prompts: true, steps: 200 }, hiccup).slice(100);
      const mean = sum(chunks) / chunks.length;
      assertNear(mean, idealChunk(on, decodingSlots), 0.6);
    }),
    { numRuns: 200 },
  );
});

for (const outlierAt of [1, 2, 20]) {
  const once = (step: number) => (step === outlierAt - 1 ? 100 : 1);
  test(`step ${outlierAt} with a prompt taking a hundred times as long is soon forgotten`, () => {
    fc.assert(
      fc.property(machine, slots, (on, decodingSlots) => {
        const pace = new Pace(BATCH_TOKENS);
        const ideal = idealChunk(on, decodingSlots);
        run(pace, on, { decodingSlots, prompts: false, steps: 1 });
        const chunks = run(pace, on, { decodingSlots, prompts: true, steps: 45 }, once);
        assertNear(chunks.at(-1), ideal, 0.1);
        for (const chunk of chunks)
          assert.ok(chunk <= Math.max(ideal * 1.6, 13), `${chunk} tokens`);
      }),
      { numRuns: 300 },
    );
  });
}

test("the first step that decodes taking a hundred times as long does little harm", () => {
  fc.assert(
    fc.property(machine, slots, (on, decodingSlots) => {
      const pace = new Pace(BATCH_TOKENS);
      run(pace, on, { decodingSlots, prompts: false, steps: 1 }, () => 100);
      const chunks = run(pace, on, { decodingSlots, prompts: true, steps: 45 });
      const ideal = idealChunk(on, decodingSlots);
      for (const chunk of chunks) assert.ok(chunk <= ideal + 30, `${chunk} tokens, ideal ${ideal}`);
    }),
    { numRuns: 300 },
  );
});

test("is not stuck with small chunks on a slow machine where nobody ever just decodes", () => {
  fc.assert(
    fc.property(slots, (decodingSlots) => {
      const slow = { passMs: 400, tokenMs: 2 };
      const pace = new Pace(BATCH_TOKENS);
      const chunks = run(pace, slow, { decodingSlots, prompts: true, steps: 60 });
      const ideal = idealChunk(slow, decodingSlots);
      const last = chunks.at(-1) ?? 0;
      assert.ok(last >= ideal / 8 && last <= ideal * 1.1, `${last} tokens, ideal ${ideal}`);
    }),
  );
});

for (const factor of [3, 10]) {
  test(`follows a machine that becomes ${factor} times slower while nobody just decodes`, () => {
    fc.assert(
      fc.property(machine, slots, (on, decodingSlots) => {
        const pace = new Pace(BATCH_TOKENS);
        run(pace, on, { decodingSlots, prompts: false, steps: 5 });
        run(pace, on, { decodingSlots, prompts: true, steps: 30 });
        const slower = { passMs: on.passMs * factor, tokenMs: on.tokenMs * factor };
        const last = run(pace, slower, { decodingSlots, prompts: true, steps: 100 }).at(-1) ?? 0;
        const ideal = idealChunk(slower, decodingSlots);
        assert.ok(last <= ideal * 1.3 + 2, `${last} tokens, ideal ${ideal}`);
        assert.ok(last > FEWEST || ideal < 3 * FEWEST, `${last} tokens, ideal ${ideal}`);
      }),
      { numRuns: 300 },
    );
  });
}

test("is right again at once when somebody just decodes on a machine that became faster", () => {
  fc.assert(
    fc.property(machine, slots, (on, decodingSlots) => {
      const pace = new Pace(BATCH_TOKENS);
      run(pace, on, { decodingSlots, prompts: false, steps: 5 });
      run(pace, on, { decodingSlots, prompts: true, steps: 30 });
      const faster = { passMs: on.passMs / 10, tokenMs: on.tokenMs / 10 };
      run(pace, faster, { decodingSlots, prompts: true, steps: 100 });
      run(pace, faster, { decodingSlots, prompts: false, steps: 20 });
      const last = run(pace, faster, { decodingSlots, prompts: true, steps: 20 }).at(-1);
      assertNear(last, idealChunk(faster, decodingSlots), 0.1);
    }),
    { numRuns: 300 },
  );
});

test("short prompts that take too long make chunks smaller; those that do not say nothing", () => {
  const on = { passMs: 20, tokenMs: 1 };
  const pace = new Pace(BATCH_TOKENS);
  run(pace, on, { decodingSlots: 2, prompts: false, steps: 5 });
  run(pace, on, { decodingSlots: 2, prompts: true, steps: 30 });
  const before = pace.promptBudget(2);
  const short = { decodingSlots: 2, promptTokens: Math.floor(before / 4) };
  pace.record({ ...short, durationMs: 25 });
  assert.equal(pace.promptBudget(2), before);
  for (let step = 0; step < 3; step++) pace.record({ ...short, durationMs: 200 });
  assert.ok(pace.promptBudget(2) < before / 2);
});

const remaining = fc.array(fc.nat({ max: 200 }), { maxLength: 10 });
const budget = fc.nat({ max: 600 });

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

test("a budget is spent as far as there are prompts to spend it on, and no further", () => {
  fc.assert(
    fc.property(budget, remaining, (tokens, prompts) => {
      const shares = shareBudget(tokens, prompts);
      assert.equal(shares.length, prompts.length);
      assert.equal(sum(shares), Math.min(tokens, sum(prompts)));
      for (const [index, share] of shares.entries()) {
        assert.ok(Number.isInteger(share) && share >= 0 && share <= (prompts[index] ?? 0));
      }
    }),
  );
});

test("a budget is shared evenly by all prompts that want more", () => {
  fc.assert(
    fc.property(budget, remaining, (tokens, prompts) => {
      const shares = shareBudget(tokens, prompts);
      const most = Math.max(0, ...shares);
      for (const [index, share] of shares.entries()) {
        assert.ok(
          share === prompts[index] || share >= most - 1,
          `${shares.join()} of ${prompts.join()}`,
        );
      }
    }),
  );
});
