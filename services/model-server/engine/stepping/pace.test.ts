import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededRandom } from "../../../../test/support/seeded-random.ts";
import { type Load, Pace } from "./pace.ts";

/** A machine whose step takes `passMs` for going through the weights and `tokenMs` for every token. */
type Machine = { readonly passMs: number; readonly tokenMs: number };
/** What a step takes is multiplied by it. */
type Hiccup = (step: number) => number;

const BATCH_TOKENS = 2048;
const ALONE_MS = 1000;
const SHARED_MS = 250;
const MIXED_MOST_MS = 150;
const FEWEST = 4;
const MEASURE_EVERY_STEPS = 16;

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
  { steps, ...load }: Load & { readonly steps: number },
  hiccup: Hiccup = steady,
): number[] {
  return Array.from({ length: steps }, (_, step) => {
    const promptTokens = load.waiting > 0 ? pace.promptBudget(load) : 0;
    const durationMs = (passMs + tokenMs * (load.decoding + promptTokens)) * hiccup(step);
    pace.record({ ...load, durationMs, promptTokens });
    return promptTokens;
  });
}

/** The same without the steps that only decoded. */
function chunksOf(...args: Parameters<typeof run>): number[] {
  return run(...args).filter((tokens) => tokens > 0);
}

function decodeMs({ passMs, tokenMs }: Machine, decoding: number): number {
  return passMs + tokenMs * decoding;
}

/** The chunk that adds to a step what the pace allows it to add: as much again. */
function idealChunk(on: Machine, decoding: number): number {
  const ideal = decodeMs(on, decoding) / on.tokenMs;
  return Math.min(BATCH_TOKENS - decoding, Math.max(FEWEST, ideal));
}

function assertNear(chunk: number | undefined, ideal: number, tolerance: number): void {
  const what = `${chunk} tokens, where ${ideal.toFixed(1)} would be right`;
  assert.ok(chunk !== undefined && chunk <= ideal * (1 + tolerance) + 1, `too many: ${what}`);
  assert.ok(chunk >= ideal / (1 + tolerance) - 1, `too few: ${what}`);
}

test("no step is given more prompt tokens than the batch has room for, and one that decodes nothing gets some", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 16, max: 4096 }),
      fc.array(
        fc.record({
          durationMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e7, noNaN: true })),
          decoding: fc.nat({ max: 40 }),
          waiting: fc.nat({ max: 40 }),
          promptTokens: fc.nat({ max: 4096 }),
        }),
        { maxLength: 30 },
      ),
      fc.record({ decoding: fc.nat({ max: 300 }), waiting: fc.integer({ min: 1, max: 300 }) }),
      (batchTokens, steps, load) => {
        const pace = new Pace(batchTokens);
        for (const step of steps) {
          pace.record(step);
          const budget = pace.promptBudget(load);
          assert.ok(Number.isInteger(budget) && budget >= (load.decoding === 0 ? 1 : 0));
          assert.ok(budget + load.decoding <= Math.max(batchTokens, load.decoding + 1));
        }
      },
    ),
  );
});

test("beside decoding, a chunk grows or shrinks to what makes the step twice as long", () => {
  fc.assert(
    fc.property(machine, slots, (on, decoding) => {
      const chunks = chunksOf(new Pace(BATCH_TOKENS), on, { decoding, waiting: 1, steps: 60 });
      assertNear(chunks.at(-1), idealChunk(on, decoding), 0.1);
    }),
    { numRuns: 500 },
  );
});

test("where more prompts wait than streams run, a chunk takes as long as streams bear", () => {
  fc.assert(
    fc.property(machine, slots, slots, (on, decoding, more) => {
      const waiting = decoding + more;
      const chunks = chunksOf(new Pace(BATCH_TOKENS), on, { decoding, waiting, steps: 80 });
      const usualMs = decodeMs(on, decoding);
      const allowedMs = Math.max(usualMs, MIXED_MOST_MS);
      const most = Math.min(BATCH_TOKENS - decoding, allowedMs / on.tokenMs);
      const fewest = FEWEST * Math.max(1, allowedMs / usualMs);
      assertNear(chunks.at(-1), Math.max(fewest, most), 0.1);
    }),
    { numRuns: 500 },
  );
});

test("a step that only decodes comes every so often, however many prompts wait", () => {
  fc.assert(
    fc.property(machine, slots, slots, (on, decoding, waiting) => {
      const chunks = run(new Pace(BATCH_TOKENS), on, { decoding, waiting, steps: 100 });
      const decodeOnly = [...chunks.keys()].filter((step) => chunks[step] === 0);
      const [first, second, ...later] = decodeOnly;
      assert.deepEqual([first, second], [0, 1], "two measurements before the first prompt");
      assert.deepEqual(
        later,
        later.map((_, index) => 1 + (index + 1) * (MEASURE_EVERY_STEPS + 1)),
      );
    }),
  );
});

for (const [where, waiting, mostMs, fewest] of [
  ["alone, a chunk takes as long as one who comes may be kept waiting", 1, ALONE_MS, 64],
  [
    "where several prompts wait, a chunk takes as long as they may wait for each other",
    2,
    SHARED_MS,
    16,
  ],
] as const) {
  test(`${where}, or as two decode steps`, () => {
    fc.assert(
      fc.property(machine, (on) => {
        const pace = new Pace(BATCH_TOKENS);
        run(pace, on, { decoding: 1, waiting: 0, steps: 3 });
        const chunk = run(pace, on, { decoding: 0, waiting, steps: 60 }).at(-1) ?? 0;
        const targetMs = Math.max(mostMs, 2 * decodeMs(on, 1));
        const tookMs = on.passMs + on.tokenMs * chunk;
        // Multiplying finds the size only where the time is in proportion to it; too few is the safe side.
        assert.ok(chunk === fewest || tookMs <= targetMs * 1.1, `${chunk} tokens: ${tookMs} ms`);
        assert.ok(chunk === BATCH_TOKENS || tookMs >= targetMs * 0.5 || chunk === fewest);
      }),
      { numRuns: 500 },
    );
  });
}

test("one prompt is enough to know what a fast machine may be given at once", () => {
  const pace = new Pace(BATCH_TOKENS);
  const fast = { passMs: 4, tokenMs: 0.2 };
  run(pace, fast, { decoding: 1, waiting: 0, steps: 2 });
  const [first = 0, second = 0] = run(pace, fast, { decoding: 0, waiting: 1, steps: 2 });
  assert.equal(first, 32);
  assert.ok(second > 5 * first, `${second} tokens`);
  assert.ok(fast.passMs + fast.tokenMs * second <= ALONE_MS * 1.1);
});

test("noise moves a chunk around what is right, not away from it", () => {
  fc.assert(
    fc.property(machine, slots, fc.nat(), (on, decoding, seed) => {
      const load = { decoding, waiting: 1, steps: 200 };
      const chunks = chunksOf(new Pace(BATCH_TOKENS), on, load, noise(seed, 0.2)).slice(100);
      assertNear(sum(chunks) / chunks.length, idealChunk(on, decoding), 0.6);
    }),
    { numRuns: 200 },
  );
});

for (const outlierAt of [1, 2, 3, 20]) {
  const once = (step: number) => (step === outlierAt - 1 ? 100 : 1);
  test(`step ${outlierAt} taking a hundred times as long is soon forgotten`, () => {
    fc.assert(
      fc.property(machine, slots, (on, decoding) => {
        const ideal = idealChunk(on, decoding);
        const load = { decoding, waiting: 1, steps: 60 };
        const chunks = chunksOf(new Pace(BATCH_TOKENS), on, load, once);
        assertNear(chunks.at(-1), ideal, 0.1);
        for (const chunk of chunks)
          assert.ok(chunk <= Math.max(ideal * 1.6, 13), `${chunk} tokens`);
      }),
      { numRuns: 300 },
    );
  });
}

for (const factor of [10, 3, 0.3, 0.1]) {
  test(`follows a machine whose steps come to take ${factor} times as long`, () => {
    fc.assert(
      fc.property(machine, slots, (on, decoding) => {
        const pace = new Pace(BATCH_TOKENS);
        run(pace, on, { decoding, waiting: 1, steps: 40 });
        const other = { passMs: on.passMs * factor, tokenMs: on.tokenMs * factor };
        const chunks = chunksOf(pace, other, { decoding, waiting: 1, steps: 100 });
        assertNear(chunks.at(-1), idealChunk(other, decoding), 0.1);
      }),
      { numRuns: 300 },
    );
  });
}

test("short prompts that take too long make chunks smaller; those that do not say nothing", () => {
  const on = { passMs: 20, tokenMs: 1 };
  const load = { decoding: 2, waiting: 1 };
  const pace = new Pace(BATCH_TOKENS);
  run(pace, on, { ...load, waiting: 0, steps: 5 });
  run(pace, on, { ...load, steps: 10 });
  const before = pace.promptBudget(load);
  const short = { ...load, promptTokens: Math.floor(before / 4) };
  pace.record({ ...short, durationMs: 25 });
  assert.equal(pace.promptBudget(load), before);
  for (let step = 0; step < 3; step++) pace.record({ ...short, durationMs: 200 });
  assert.ok(pace.promptBudget(load) < before / 2);
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

test("what a step is going to take is what decoding takes, and what prompts may take beside it", () => {
  const pace = new Pace(BATCH_TOKENS);
  run(pace, { passMs: 9, tokenMs: 1 }, { decoding: 1, waiting: 0, steps: 5 });
  assert.equal(pace.stepMs({ decoding: 1, waiting: 0 }), 10);
  assert.equal(pace.stepMs({ decoding: 1, waiting: 1 }), 20);
  assert.equal(pace.stepMs({ decoding: 1, waiting: 2 }), 10 + MIXED_MOST_MS);
  assert.equal(pace.stepMs({ decoding: 0, waiting: 2 }), SHARED_MS);
});
