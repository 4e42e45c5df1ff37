import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Pooling } from "./context-options.ts";
import { type Context, createContext } from "./context.ts";
import { ONE_THREAD, promptOf } from "./fixtures/generate.ts";
import { smollm2, tinyChatModel, tinyEmbeddingModel } from "../../test/support/llama-models.ts";
import { LlamaError } from "./native/errors.ts";

const TEXTS = ["the quick brown fox", "jumps", "over the lazy dog and runs away"];

suite("embeddings", { timeout: 120_000 }, () => {
  for (const load of [tinyEmbeddingModel, smollm2]) {
    test(`of several inputs in one batch are those of each alone (${load === smollm2 ? "decoder" : "encoder"})`, async () => {
      const model = await load();
      using context = await contextFor(model, "mean");
      const together = await embed(context, TEXTS);
      for (const [index, text] of TEXTS.entries()) {
        const [alone] = await embed(context, [text]);
        assert.ok(cosine(together[index], alone) > 0.9999, text);
      }
      assert.ok(cosine(together[0], together[1]) < 0.999);
    });
  }

  test("are pooled as the context was told", async () => {
    const model = await tinyEmbeddingModel();
    const [text = ""] = TEXTS;
    using unpooled = await contextFor(model, "none");
    const tokens = await embedTokens(unpooled, text);
    assert.throws(() => unpooled.outputs.sequenceEmbedding(0), LlamaError);
    const pooled = async (pooling: Pooling) => {
      using context = await contextFor(model, pooling);
      assert.equal(context.pooling, pooling);
      const [vector] = await embed(context, [text]);
      return vector;
    };
    const [first = []] = tokens;
    const mean = first.map(
      (_, at) => tokens.reduce((sum, vector) => sum + (vector[at] ?? 0), 0) / tokens.length,
    );
    assert.ok(cosine(await pooled("mean"), mean) > 0.9999);
    assert.ok(cosine(await pooled("cls"), tokens[0]) > 0.9999);
    assert.ok(cosine(await pooled("last"), tokens.at(-1)) > 0.9999);
  });

  test("end with the next evaluation", async () => {
    const model = await tinyEmbeddingModel();
    using context = await contextFor(model, "mean");
    using batch = context.createBatch({ tokens: 8 });
    batch.add(5, 0, 0, true);
    await context.encode(batch);
    const vector = context.outputs.sequenceEmbedding(0);
    assert.equal(vector.length, model.shape.outputDimensions);
    await context.encode(batch);
    assert.equal(vector.length, 0);
  });

  test("and logits come from one context in turns", async () => {
    const model = await tinyChatModel();
    using context = await createContext(model, { ...ONE_THREAD, contextTokens: 256 });
    using batch = context.createBatch({ tokens: 4 });
    batch.add(5, 0, 0, true);
    await context.decode(batch);
    assert.throws(() => context.outputs.embedding(0), LlamaError);
    context.setEmbeddings(true);
    context.sequences.clear();
    await context.decode(batch);
    assert.equal(context.outputs.embedding(0).length, model.shape.outputDimensions);
  });

  test("of a model without a cache must fit what is computed at once", async () => {
    const model = await tinyEmbeddingModel();
    using context = await createContext(model, {
      ...ONE_THREAD,
      contextTokens: 512,
      batchTokens: 64,
      microBatchTokens: 16,
      embeddings: true,
    });
    using batch = context.createBatch({ tokens: 32 });
    for (let at = 0; at < 17; at += 1) batch.add(5, at, 0, true);
    await assert.rejects(context.decode(batch), /17 tokens is more than the context takes/);
    await assert.rejects(context.encode(batch), RangeError);
  });
});

function contextFor(model: Context["model"], pooling: Pooling): Promise<Context> {
  return createContext(model, {
    ...ONE_THREAD,
    contextTokens: 512,
    sequences: 3,
    unifiedCache: true,
    embeddings: true,
    pooling,
  });
}

async function embed(context: Context, texts: readonly string[]): Promise<readonly number[][]> {
  if (context.sequences.remembers) context.sequences.clear();
  using batch = context.createBatch({ tokens: 256 });
  for (const [sequence, text] of texts.entries()) {
    for (const [at, token] of promptOf(context.model, text).entries()) {
      batch.add(token, at, sequence, true);
    }
  }
  assert.equal(await context.decode(batch), "done");
  return texts.map((_, sequence) => [...context.outputs.sequenceEmbedding(sequence)]);
}

async function embedTokens(context: Context, text: string): Promise<readonly number[][]> {
  using batch = context.createBatch({ tokens: 64 });
  const tokens = promptOf(context.model, text);
  for (const [at, token] of tokens.entries()) batch.add(token, at, 0, true);
  assert.equal(await context.decode(batch), "done");
  return tokens.map((_, index) => [...context.outputs.embedding(index)]);
}

function cosine(one: readonly number[] = [], other: readonly number[] = []): number {
  return dot(one, other) / Math.sqrt(dot(one, one) * dot(other, other));
}

function dot(one: readonly number[], other: readonly number[]): number {
  return one.reduce((sum, value, at) => sum + value * (other[at] ?? 0), 0);
}
