/**
 * Embeddings, one input after the other: the library's embedding context holds one sequence.
 *
 * Requests take turns input by input, so that a request with two thousand inputs does not stand in the
 * way of a request with one.
 */
import { contextLengthExceeded, invalidRequest } from "@localmodel/openai/errors.ts";
import type { EmbedRequest, EmbedResult } from "../engine.ts";
import type { Embedder } from "./llama/embedder.ts";

export type EmbeddingOptions = {
  readonly embedder: Embedder;
  readonly tokenize: (text: string) => readonly number[];
  readonly contextTokens: number;
  /** See Vocabulary.longestTokenBytes. */
  readonly longestTokenBytes: number;
};

export class EmbeddingQueue {
  readonly #options: EmbeddingOptions;
  readonly #cancelled = new Set<number>();
  readonly #open = new Set<number>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: EmbeddingOptions) {
    this.#options = options;
  }

  /** Undefined when it was cancelled. Throws OpenAIError 400 naming the input that cannot be embedded. */
  async embed(id: number, { inputs }: EmbedRequest): Promise<EmbedResult | undefined> {
    this.#open.add(id);
    try {
      const prepared = inputs.map((input, index) => this.#prepare(input, index));
      const vectors: Float32Array[] = [];
      for (const { tokens } of prepared) {
        if (this.#cancelled.has(id)) return undefined;
        vectors.push(await this.#takeTurn(() => this.#options.embedder.embed(tokens)));
      }
      const promptTokens = prepared.reduce((sum, { length }) => sum + length, 0);
      return { vectors, promptTokens };
    } finally {
      this.#open.delete(id);
      this.#cancelled.delete(id);
    }
  }

  cancel(id: number): void {
    if (this.#open.has(id)) this.#cancelled.add(id);
  }

  #prepare(input: string | readonly number[], index: number) {
    const { embedder, tokenize, contextTokens, longestTokenBytes } = this.#options;
    if (typeof input === "string" && input.length > contextTokens * longestTokenBytes) {
      // Tokenising blocks the process; what cannot fit for certain is not even tokenised.
      const fewest = Math.ceil(input.replaceAll(/\s+/gu, "").length / longestTokenBytes);
      if (fewest > contextTokens) throw overflow(contextTokens, fewest);
    }
    const tokens = typeof input === "string" ? tokenize(input) : input;
    if (tokens.length === 0) {
      throw invalidRequest("input", `Input ${index} holds no tokens, so it has no embedding.`);
    }
    const length = embedder.evaluatedTokens(tokens);
    if (length > contextTokens) throw overflow(contextTokens, length);
    return { tokens, length };
  }

  #takeTurn(embed: () => Promise<readonly number[]>): Promise<Float32Array> {
    const turn = this.#turn.then(embed);
    this.#turn = turn.catch(() => undefined);
    return turn.then(normalised);
  }
}

function overflow(limit: number, prompt: number) {
  return contextLengthExceeded({ limit, prompt, param: "input" });
}

/** To length 1, so that a dot product is a cosine. */
function normalised(vector: readonly number[]): Float32Array {
  const length = Math.hypot(...vector);
  return Float32Array.from(vector, (value) => (length === 0 ? 0 : value / length));
}
