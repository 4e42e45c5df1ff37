/** What a model that pools can be asked for: vectors, or scores of pairs. Both go through the same batches. */
import { promptField } from "@localmodel/inference/failure.ts";
import type { LoadedEngine } from "./load.ts";
import type { EngineOperation, EngineOperations, Reporter } from "./operations.ts";
import { encodeInput } from "./prompt/embedding-input.ts";
import { encodePairs } from "./prompt/rerank-pairs.ts";
import { StepWatch } from "./step-watch.ts";
import { type Embedder, EmbeddingQueue } from "./stepping/embedding-queue.ts";

type Pooling = LoadedEngine & { readonly embedder: Embedder };

export function pooling(loaded: Pooling, reporter: Reporter): EngineOperations {
  const watch = new StepWatch(reporter.onStuck);
  const { embedder: plain } = loaded;
  const embedder: Embedder = {
    ...plain,
    embed: (inputs) => watch.during(() => plain.embed(inputs)),
  };
  const watched = { ...loaded, embedder };
  return loaded.facts.capabilities.includes("rerank")
    ? { rerank: reranking(watched, reporter) }
    : { embed: embedding(watched, reporter) };
}

function embedding(loaded: Pooling, reporter: Reporter): EngineOperation<"embed"> {
  const { facts, tokenizer, vocabulary, embedder } = loaded;
  const queue = new EmbeddingQueue<"embed">({
    ...reporter,
    embedder,
    vocabulary,
    prepare: async ({ inputs, truncation }, signal) => {
      const prepared = [];
      for (const [index, input] of inputs.entries()) {
        const tokens = await encodeInput(input, tokenizer, {
          contextTokens: facts.contextTokens,
          evaluatedTokens: (some) => embedder.complete(some).length,
          truncation,
          field: promptField(index, inputs.length),
          signal,
        });
        prepared.push({ tokens, complete: embedder.complete(tokens) });
      }
      return prepared;
    },
    outcome: (vectors) => ({ type: "vectors", vectors: vectors.map(normalised) }),
  });
  return operation(queue);
}

function reranking(loaded: Pooling, reporter: Reporter): EngineOperation<"rerank"> {
  const { facts, tokenizer, vocabulary, embedder } = loaded;
  const queue = new EmbeddingQueue<"rerank">({
    ...reporter,
    embedder,
    vocabulary,
    prepare: async (request, signal) => {
      const { contextTokens } = facts;
      const limits = { contextTokens, pieces: embedder.pair, signal };
      const pairs = await encodePairs(request, tokenizer, limits);
      return pairs.map((tokens) => ({ tokens, complete: tokens }));
    },
    // The first of the classifier's outputs, as in llama.cpp's server.
    outcome: (vectors) => ({ type: "scores", scores: vectors.map(([score = 0]) => score) }),
  });
  return operation(queue);
}

function operation<Asked extends "embed" | "rerank">(
  queue: EmbeddingQueue<Asked>,
): EngineOperation<Asked> {
  void queue.warmUp();
  return {
    ask: (id, request) => void queue.evaluate(id, request),
    cancel: (id) => queue.cancel(id),
  };
}

/** To length 1, so that a dot product is a cosine. */
function normalised(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return vector.map((value) => (length === 0 ? 0 : value / length));
}
