import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { promisify } from "node:util";
import { normalValues, seededRandom } from "../../test/support/seeded-random.ts";
import { eventually } from "../../test/support/eventually.ts";
import { createContext } from "./context.ts";
import { evaluate, greedy, ONE_THREAD, promptOf } from "./fixtures/generate.ts";
import { logged, smollm2, tinyChatModel } from "../../test/support/llama-models.ts";
import { OwnershipError } from "./native/errors.ts";

const run = promisify(execFile);

const PROMPTS = [
  "The capital of France is",
  "Numbers: 1, 2, 3, 4,",
  "Once upon a time there was a little",
  "def add(a, b):",
];

suite("a context", { timeout: 120_000 }, () => {
  test("decodes sequences in one batch to what each is alone", async () => {
    const model = await smollm2();
    const inputs = PROMPTS.map((text, sequence) => ({ sequence, tokens: promptOf(model, text) }));
    using together = await createContext(model, {
      ...ONE_THREAD,
      contextTokens: 1024,
      sequences: 4,
    });
    const answers = await greedy(together, inputs, 12);
    assert.match(
      model.vocabulary.detokenize(Int32Array.from(answers[0] ?? []), { control: true }),
      /Paris/,
    );
    for (const [index, input] of inputs.entries()) {
      using alone = await createContext(model, { ...ONE_THREAD, contextTokens: 256 });
      const [answer] = await greedy(alone, [{ ...input, sequence: 0 }], 12);
      assert.deepEqual(answers[index], answer, PROMPTS[index]);
    }
  });

  test("answers for the last tokens of several prompts in one batch", async () => {
    const model = await tinyChatModel();
    const inputs = PROMPTS.map((text, sequence) => ({ sequence, tokens: promptOf(model, text) }));
    using together = await createContext(model, {
      ...ONE_THREAD,
      contextTokens: 1024,
      sequences: 4,
    });
    const logits = await evaluate(together, inputs);
    for (const [index, { tokens }] of inputs.entries()) {
      using alone = await createContext(model, { ...ONE_THREAD, contextTokens: 256 });
      const [own] = await evaluate(alone, [{ sequence: 0, tokens }]);
      assertClose(logits[index], own, 1e-2);
    }
  });

  test("computes from vectors what it computes from the tokens that stand for them", async () => {
    const model = await tinyChatModel();
    const tokens = promptOf(model, "the quick brown fox");
    const { inputDimensions } = model.shape;
    // The first of the model's tensors, as tiny-models.ts draws it.
    const length = inputDimensions * model.vocabulary.size;
    const rows = normalValues(seededRandom(1), length, 2 / Math.sqrt(inputDimensions));
    using context = await createContext(model, { ...ONE_THREAD, contextTokens: 512, sequences: 2 });
    const [expected] = await evaluate(context, [{ sequence: 0, tokens }]);
    using batch = context.createBatch({ tokens: tokens.length, vectors: true });
    for (const [at, token] of tokens.entries()) {
      const row = rows.subarray(token * inputDimensions, (token + 1) * inputDimensions);
      batch.addVector(row, at, 1, at === tokens.length - 1);
    }
    assert.equal(await context.decode(batch), "done");
    assertClose(context.outputs.logits(tokens.length - 1), expected, 5e-2);
    assert.throws(() => batch.add(1, 0, 0, true), /holds vectors/);
    batch.clear();
    assert.throws(() => batch.addVector(new Float32Array(3), 0, 0, true), RangeError);
  });

  test("refuses a batch with more outputs than it was made for, which would end the process", async () => {
    const model = await tinyChatModel();
    using context = await createContext(model, { contextTokens: 256, outputs: 2, ...ONE_THREAD });
    using batch = context.createBatch({ tokens: 4 });
    for (let position = 0; position < 3; position += 1) batch.add(1, position, 0, true);
    await assert.rejects(context.decode(batch), /3 outputs is more than the context takes: 2/);
    batch.clear();
    for (let position = 0; position < 3; position += 1) batch.add(1, position, 0, position > 0);
    assert.equal(await context.decode(batch), "done");
  });

  test("has the limits and threads that it was made with", async () => {
    const model = await tinyChatModel();
    using context = await createContext(model, {
      contextTokens: 1536,
      sequences: 3,
      batchTokens: 128,
      microBatchTokens: 64,
      threads: 1,
      batchThreads: 2,
    });
    assert.deepEqual(context.limits, {
      contextTokens: 1536,
      sequenceTokens: 512,
      sequences: 3,
      batchTokens: 128,
      microBatchTokens: 64,
      outputs: 128,
    });
    assert.deepEqual(context.threads, { threads: 1, batchThreads: 2 });
    context.setThreads(2, 1);
    assert.deepEqual(context.threads, { threads: 2, batchThreads: 1 });
    assert.throws(() => context.setThreads(0, 1), RangeError);
  });

  test(
    "keeps its threads from one evaluation to the next, and ends them with itself",
    {
      skip: process.platform !== "linux" && "only Linux tells a process's threads",
    },
    async () => {
      const model = await tinyChatModel();
      const context = await createContext(model, { ...ONE_THREAD, contextTokens: 256 });
      const before = new Set(threadsOfProcess());
      const others = () => threadsOfProcess().filter((id) => !before.has(id));
      context.setThreads(3, 1);
      const kept = others();
      assert.equal(kept.length, 2, "the third is the caller's");
      for (const text of PROMPTS) {
        await evaluate(context, [{ sequence: 0, tokens: promptOf(model, text) }]);
        context.sequences.remove(0);
      }
      context.setThreads(2, 2);
      assert.deepEqual(others(), kept, "one that is not needed for a while waits");
      context[Symbol.dispose]();
      await eventually("their end", () => assert.deepEqual(others(), []), { intervalMs: 10 });
    },
  );

  test(
    "has a thread on each core where there are as many, and leaves it to the system where there are not",
    { skip: process.platform !== "linux" && "only Linux binds threads" },
    async () => {
      const fixture = join(import.meta.dirname, "fixtures/bound-threads.ts");
      const cores = allowedCores();
      const own = cores.length > 1;
      const counts = [cores.length, 1, cores.length, cores.length + 1];
      const env = { ...process.env, UV_THREADPOOL_SIZE: "1" };
      const { stdout } = await run(
        process.execPath,
        [fixture, cores.join(","), ...counts.map(String)],
        { env },
      );
      const lines = stdout.trim().split("\n");
      const bound = lines.map((line) => JSON.parse(line) as { evaluating: number; all: string[] });
      const evaluating = own ? [1, 0, 1, 0] : [0, 0, 0, 0];
      assert.deepEqual(
        bound.map((one) => one.evaluating),
        evaluating,
      );
      if (own) assert.deepEqual(bound[0]?.all, cores.map(String).toSorted());
    },
  );

  test(
    "has the same threads again once it had fewer: llama.cpp still looks at those that it had before",
    { skip: process.platform !== "linux" && "only Linux tells a process's threads" },
    async () => {
      const model = await tinyChatModel();
      const [first = 0, second = first] = allowedCores();
      const cores = [first, second];
      using context = await createContext(model, { ...ONE_THREAD, contextTokens: 256, cores });
      const before = new Set(threadsOfProcess());
      const evaluateWith = async (count: number) => {
        context.setThreads(count, count);
        await evaluate(context, [{ sequence: 0, tokens: promptOf(model, "again") }]);
        context.sequences.remove(0);
        return threadsOfProcess().filter((id) => !before.has(id));
      };
      const kept = await evaluateWith(2);
      for (let round = 0; round < 20; round += 1) {
        assert.deepEqual(await evaluateWith(1), kept);
        assert.deepEqual(await evaluateWith(2), kept);
      }
    },
  );

  test("says what memory its cache takes, which depends on the types of keys and values", async () => {
    const model = await smollm2();
    const cacheBytes = async (keyType: "f16" | "q8_0", valueType: "f16" | "q8_0") => {
      using context = await createContext(model, {
        ...ONE_THREAD,
        contextTokens: 1024,
        keyType,
        valueType,
      });
      return context.reservations.find(({ purpose }) => purpose === "kvCache")?.bytes ?? 0;
    };
    // 30 layers, 3 heads of 64 values, keys and values: 2 bytes each, or 34 for 32.
    const values = 1024 * 30 * 3 * 64;
    assertWithin(await cacheBytes("f16", "f16"), values * 4);
    assertWithin(await cacheBytes("q8_0", "f16"), values * (2 + 34 / 32));
    assertWithin(await cacheBytes("q8_0", "q8_0"), (values * 2 * 34) / 32);
    const weights = model.reservations.find(({ purpose }) => purpose === "weights");
    // Where a CPU multiplies whole tiles of a matrix, its weights are laid out anew for that, with some bytes more.
    assertWithin(weights?.bytes ?? 0, model.shape.tensorBytes, 0.05);
  });

  test("computes with the RoPE settings that it was made with", async () => {
    const model = await tinyChatModel();
    const tokens = promptOf(model, "the quick brown fox jumps over the lazy dog");
    const logitsWith = async (rope: object) => {
      using context = await createContext(model, { ...ONE_THREAD, contextTokens: 256, rope });
      const [logits] = await evaluate(context, [{ sequence: 0, tokens }]);
      return logits ?? new Float32Array();
    };
    const plain = await logitsWith({});
    assertClose(await logitsWith({ frequencyBase: 10_000 }), plain, 1e-6);
    for (const rope of [
      { frequencyBase: 500_000 },
      { scaling: "linear", frequencyScale: 0.5 },
      { scaling: "yarn", frequencyScale: 0.25, yarnOriginalTokens: 512 },
    ]) {
      const difference = distance(await logitsWith(rope), plain);
      assert.ok(difference > 1e-2, `${JSON.stringify(rope)} makes a difference of ${difference}`);
    }
  });

  test("says that its cache is full, and goes on when there is room again", async () => {
    const model = await tinyChatModel();
    using context = await createContext(model, { ...ONE_THREAD, contextTokens: 256 });
    using batch = context.createBatch({ tokens: 200 });
    const add = (from: number): void => {
      batch.clear();
      for (let at = 0; at < 200; at += 1) batch.add(5, from + at, 0, at === 199);
    };
    add(0);
    assert.equal(await context.decode(batch), "done");
    add(200);
    assert.equal(await context.decode(batch), "full");
    assert.throws(() => context.outputs.logits(199), RangeError);
    assert.deepEqual(context.sequences.range(0), { first: 0, last: 199 });
    assert.equal(context.sequences.remove(0), true);
    add(0);
    assert.equal(await context.decode(batch), "done");
  });

  test("stops in the middle of a long evaluation, and goes on with what came before", async () => {
    const model = await smollm2();
    using context = await createContext(model, {
      ...ONE_THREAD,
      contextTokens: 4096,
      batchTokens: 4096,
      microBatchTokens: 32,
    });
    using batch = context.createBatch({ tokens: 4000 });
    for (let at = 0; at < 4000; at += 1) batch.add(100 + (at % 7), at, 0, false);
    const controller = new AbortController();
    logged.length = 0;
    const evaluated = context.decode(batch, controller.signal);
    setImmediate(() => controller.abort());
    assert.equal(await evaluated, "aborted");
    // What was asked for is no failure.
    const complaints = logged.filter(({ level }) => level === "error" || level === "warn");
    assert.deepEqual(complaints, []);
    const { last = -1 } = context.sequences.range(0) ?? {};
    assert.ok(last < 3999, `evaluated up to ${last}`);
    context.sequences.remove(0);
    const tokens = promptOf(model, PROMPTS[0] ?? "");
    const [answer] = await greedy(context, [{ sequence: 0, tokens }], 1);
    using fresh = await createContext(model, { ...ONE_THREAD, contextTokens: 256 });
    assert.deepEqual([answer], await greedy(fresh, [{ sequence: 0, tokens }], 1));
    assert.equal(await context.decode(batch, AbortSignal.abort()), "aborted");
  });

  test("lets nobody at what is being evaluated", async () => {
    const model = await tinyChatModel();
    const context = await createContext(model, { ...ONE_THREAD, contextTokens: 256 });
    const batch = context.createBatch({ tokens: 8 });
    for (let at = 0; at < 8; at += 1) batch.add(7, at, 0, true);
    const evaluated = context.decode(batch);
    for (const misuse of [
      () => batch.add(7, 8, 0, true),
      () => batch.clear(),
      () => batch[Symbol.dispose](),
      () => context.outputs.logits(0),
      () => context.sequences.remove(0),
      () => context[Symbol.dispose](),
      () => model[Symbol.dispose](),
    ]) {
      assert.throws(misuse, OwnershipError, String(misuse));
    }
    await assert.rejects(context.decode(batch), OwnershipError);
    assert.equal(await evaluated, "done");
    context[Symbol.dispose]();
  });

  test("ends its outputs with the next evaluation, and everything with itself", async () => {
    const model = await tinyChatModel();
    const context = await createContext(model, { ...ONE_THREAD, contextTokens: 256 });
    const batch = context.createBatch({ tokens: 4 });
    batch.add(7, 0, 0, false);
    batch.add(8, 1, 0, true);
    await context.decode(batch);
    const logits = context.outputs.logits(1);
    assert.equal(logits.length, model.vocabulary.size);
    assert.throws(() => context.outputs.logits(0), RangeError, "the first token has no outputs");
    batch.clear();
    batch.add(9, 2, 0, true);
    await context.decode(batch);
    assert.equal(logits.length, 0);
    assert.throws(() => context.outputs.logits(1), RangeError);
    const last = context.outputs.logits(0);
    context[Symbol.dispose]();
    context[Symbol.dispose]();
    assert.equal(last.length, 0);
    for (const misuse of [
      () => context.outputs.logits(0),
      () => context.threads,
      () => context.sequences.range(0),
      () => context.createBatch({ tokens: 1 }),
      () => batch.clear(),
    ]) {
      assert.throws(misuse, OwnershipError, String(misuse));
    }
  });

  test("takes no numbers that are none of its own", async () => {
    const model = await tinyChatModel();
    using context = await createContext(model, {
      ...ONE_THREAD,
      contextTokens: 512,
      sequences: 2,
      batchTokens: 64,
      microBatchTokens: 64,
    });
    using batch = context.createBatch({ tokens: 100, sequencesPerToken: 2 });
    for (const misuse of [
      () => batch.add(-1, 0, 0, true),
      () => batch.add(model.vocabulary.size, 0, 0, true),
      () => batch.add(1.5, 0, 0, true),
      () => batch.add(1, -1, 0, true),
      () => batch.add(1, 0, 2, true),
      () => batch.add(1, 0, [], true),
      () => batch.add(1, 0, [0, 1, 0], true),
      () => context.sequences.remove(2),
      () => context.sequences.copy(0, -1),
      () => context.outputs.logits(0),
      () => model.vocabulary.piece(model.vocabulary.size, { control: true }),
    ]) {
      assert.throws(misuse, RangeError, String(misuse));
    }
    assert.equal(batch.size, 0);
    await assert.rejects(context.decode(batch), /no tokens/);
    for (let at = 0; at < 65; at += 1) batch.add(1, at, 0, false);
    await assert.rejects(context.decode(batch), /65 tokens is more than the context takes: 64/);
    using other = await createContext(model, { ...ONE_THREAD, contextTokens: 256 });
    await assert.rejects(other.decode(batch), OwnershipError);
  });

  test("refuses a batch with a gap, and keeps what it had", async () => {
    const model = await tinyChatModel();
    using context = await createContext(model, { ...ONE_THREAD, contextTokens: 256 });
    await evaluate(context, [{ sequence: 0, tokens: [1, 2, 3] }]);
    await assert.rejects(
      evaluate(context, [{ sequence: 0, tokens: [4], position: 7 }]),
      /not valid/,
    );
    assert.ok(logged.some(({ level, message }) => level === "error" && /position/.test(message)));
    assert.deepEqual(context.sequences.range(0), { first: 0, last: 2 });
  });

  test("measures when it is asked to", async () => {
    const model = await tinyChatModel();
    using context = await createContext(model, {
      ...ONE_THREAD,
      contextTokens: 256,
      measures: true,
    });
    await evaluate(context, [{ sequence: 0, tokens: [1, 2, 3] }]);
    assert.equal(context.performance().promptTokens, 3);
    context.resetPerformance();
    // llama.cpp counts at least 1.
    assert.equal(context.performance().promptMs, 0);
  });
});

function distance(one: Float32Array, other: Float32Array): number {
  return one.reduce((most, value, at) => Math.max(most, Math.abs(value - (other[at] ?? 0))), 0);
}

function assertClose(
  one: Float32Array | undefined,
  other: Float32Array | undefined,
  tolerance: number,
): void {
  assert.ok(one !== undefined && other !== undefined && one.length === other.length);
  const difference = distance(one, other);
  assert.ok(difference <= tolerance, `they differ by ${difference}`);
}

/** To a hundredth, unless it is said otherwise. */
function assertWithin(bytes: number, expected: number, share = 0.01): void {
  assert.ok(Math.abs(bytes - expected) <= expected * share, `${bytes} bytes, not ${expected}`);
}

function threadsOfProcess(): readonly string[] {
  return readdirSync("/proc/self/task");
}

/** By their numbers. */
function allowedCores(): readonly number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return (list ?? "0").split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
