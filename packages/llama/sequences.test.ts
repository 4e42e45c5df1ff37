import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createContext } from "./context.ts";
import { best, evaluate, greedy, ONE_THREAD, promptOf } from "./fixtures/generate.ts";
import { smollm2, tinyChatModel, tinyEmbeddingModel } from "../../test/support/llama-models.ts";
import { LlamaError, OwnershipError } from "./native/errors.ts";
import { restoreSequence, saveSequence } from "./sequence-state.ts";

const OPTIONS = { ...ONE_THREAD, contextTokens: 1024, sequences: 4 } as const;

suite("a context's sequences", { timeout: 120_000 }, () => {
  for (const unifiedCache of [true, false]) {
    const cache = unifiedCache ? "one cache for all" : "a cache for each";
    test(`can be copied: a prompt is evaluated once for several choices, with ${cache}`, async () => {
      const model = await smollm2();
      const tokens = promptOf(model, "The capital of France is");
      using context = await createContext(model, { ...OPTIONS, unifiedCache });
      const [logits] = await evaluate(context, [{ sequence: 0, tokens }]);
      const first = best(logits ?? new Float32Array());
      for (const target of [1, 2, 3]) context.sequences.copy(0, target);
      const position = tokens.length;
      const choices = [0, 1, 2, 3].map((sequence) => ({ sequence, tokens: [first], position }));
      const answers = await greedy(context, choices, 6);
      using alone = await createContext(model, { ...ONE_THREAD, contextTokens: 256 });
      const [whole = []] = await greedy(alone, [{ sequence: 0, tokens }], 7);
      for (const answer of answers) assert.deepEqual([first, ...answer], whole);
    });
  }

  test("share the tokens of a beginning that is evaluated for all of them", async () => {
    const model = await tinyChatModel();
    using context = await createContext(model, { ...OPTIONS, unifiedCache: true });
    using batch = context.createBatch({ tokens: 8, sequencesPerToken: 4 });
    for (const [at, token] of [5, 6, 7].entries()) batch.add(token, at, [0, 1, 2, 3], at === 2);
    assert.equal(await context.decode(batch), "done");
    for (const sequence of [0, 1, 2, 3]) {
      assert.deepEqual(context.sequences.range(sequence), { first: 0, last: 2 });
    }
  });

  test("can be cut, kept, moved and forgotten", async () => {
    const model = await tinyChatModel();
    using context = await createContext(model, OPTIONS);
    const { sequences } = context;
    const tokens = Array.from({ length: 10 }, (_, index) => index + 1);
    await evaluate(
      context,
      [0, 1, 2].map((sequence) => ({ sequence, tokens })),
    );
    assert.equal(sequences.range(3), undefined);
    assert.equal(sequences.remove(0, 6), true);
    assert.deepEqual(sequences.range(0), { first: 0, last: 5 });
    // The oldest half goes, and the rest takes its place: what makes room in a long conversation.
    assert.equal(sequences.canShift, true);
    assert.equal(sequences.remove(1, 0, 5), true);
    sequences.shift(1, -5, 5);
    assert.deepEqual(sequences.range(1), { first: 0, last: 4 });
    sequences.divide(2, 2);
    assert.deepEqual(sequences.range(2), { first: 0, last: 4 });
    assert.throws(() => sequences.divide(2, 0), RangeError);
    sequences.keep(1);
    assert.equal(sequences.range(0), undefined);
    assert.deepEqual(sequences.range(1), { first: 0, last: 4 });
    sequences.clear();
    assert.equal(sequences.range(1), undefined);
  });

  test("are copied in part only where they share a cache", async () => {
    const model = await tinyChatModel();
    const tokens = [1, 2, 3, 4, 5, 6];
    using shared = await createContext(model, { ...OPTIONS, unifiedCache: true });
    await evaluate(shared, [{ sequence: 0, tokens }]);
    shared.sequences.copy(0, 1, 0, 4);
    assert.deepEqual(shared.sequences.range(1), { first: 0, last: 3 });
    using apart = await createContext(model, OPTIONS);
    await evaluate(apart, [{ sequence: 0, tokens }]);
    assert.throws(() => apart.sequences.copy(0, 1, 0, 4), RangeError);
  });

  test("are remembered by no model that only encodes", async () => {
    const model = await tinyEmbeddingModel();
    using context = await createContext(model, {
      ...ONE_THREAD,
      contextTokens: 256,
      embeddings: true,
    });
    assert.equal(context.sequences.remembers, false);
    assert.throws(() => context.sequences.range(0), LlamaError);
  });
});

suite("the state of a sequence", { timeout: 120_000 }, () => {
  test("goes to bytes and back, into another sequence of another context", async () => {
    const model = await smollm2();
    const tokens = promptOf(model, "Once upon a time there was a little girl who");
    using context = await createContext(model, OPTIONS);
    await evaluate(context, [
      { sequence: 0, tokens: tokens.slice(0, -1) },
      { sequence: 1, tokens: [1, 2, 3] },
    ]);
    const bytes = await saveSequence(context, 0);
    assert.ok(bytes.length > tokens.length * 30 * 3 * 64, `${bytes.length} bytes`);
    using other = await createContext(model, OPTIONS);
    await restoreSequence(other, 2, bytes);
    assert.deepEqual(other.sequences.range(2), { first: 0, last: tokens.length - 2 });
    const rest = { tokens: tokens.slice(-1), position: tokens.length - 1 };
    assert.deepEqual(
      await greedy(other, [{ sequence: 2, ...rest }], 8),
      await greedy(context, [{ sequence: 0, ...rest }], 8),
    );
  });

  test("is refused when it is cut off or another model's, and the context goes on", async () => {
    const model = await tinyChatModel();
    using context = await createContext(model, OPTIONS);
    await evaluate(context, [{ sequence: 0, tokens: [1, 2, 3, 4] }]);
    const bytes = await saveSequence(context, 0);
    const half = bytes.subarray(0, bytes.length / 2);
    await assert.rejects(restoreSequence(context, 1, half), LlamaError);
    await assert.rejects(restoreSequence(context, 1, new Uint8Array()), LlamaError);
    using larger = await createContext(await smollm2(), OPTIONS);
    await assert.rejects(restoreSequence(larger, 0, bytes), LlamaError);
    const restored = restoreSequence(context, 1, bytes);
    assert.throws(() => context.sequences.range(1), OwnershipError, "another thread is at it");
    await restored;
    assert.deepEqual(context.sequences.range(1), { first: 0, last: 3 });
  });
});
