/**
 * Embeddings, one input after the other: the library's embedding context holds one sequence.
 *
 * Requests take turns input by input, so that a request with two thousand inputs does not stand in the
 * way of a request with one.
 */
import { PROMPT_FIELD } from "@localmodel/inference/failure.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import type { EmbedRequest } from "@localmodel/inference/embed.ts";
import { epochMs } from "@localmodel/telemetry/epoch.ts";
import type { EmbedResult } from "../contract.ts";
import { CancelledError } from "./cancelled-error.ts";
import type { Embedder } from "../llama/embedder.ts";
import { overflow, type TextLimit, type TextTokenizer, textTokens } from "../prompt/text-tokens.ts";

export type EmbeddingOptions = {
  readonly embedder: Embedder;
  readonly tokenizer: TextTokenizer;
  readonly contextTokens: number;
};

type Prepared = { readonly tokens: readonly number[]; readonly length: number };

export class EmbeddingQueue {
  readonly #options: EmbeddingOptions;
  readonly #open = new Map<number, AbortController>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: EmbeddingOptions) {
    this.#options = options;
  }

  /**
   * Throws a Failure naming the input that cannot be embedded, and the reason of the cancellation
   * if there was one.
   */
  async embed(id: number, { inputs, reportsTimes }: EmbedRequest): Promise<EmbedResult> {
    const receivedMs = epochMs();
    const cancellation = new AbortController();
    const { signal } = cancellation;
    this.#open.set(id, cancellation);
    try {
      const prepared: Prepared[] = [];
      for (const [index, input] of inputs.entries()) {
        prepared.push(await this.#prepare(input, index, signal));
      }
      const tokenisedMs = epochMs();
      let startedMs: number | undefined;
      const vectors: Float32Array[] = [];
      for (const { tokens } of prepared) {
        signal.throwIfAborted();
        const turn = this.#takeTurn(() => {
          startedMs ??= epochMs();
          return this.#options.embedder.embed(tokens);
        });
        vectors.push(await turn);
      }
      const promptTokens = prepared.reduce((sum, { length }) => sum + length, 0);
      if (reportsTimes !== true) return { vectors, promptTokens };
      const endedMs = epochMs();
      const began = { processId: process.pid, receivedMs, tokenisedMs };
      const times = { ...began, startedMs: startedMs ?? endedMs, endedMs };
      return { vectors, promptTokens, times };
    } finally {
      this.#open.delete(id);
    }
  }

  cancel(id: number): void {
    this.#open.get(id)?.abort(new CancelledError());
  }

  async #prepare(
    input: string | readonly number[],
    index: number,
    signal: AbortSignal,
  ): Promise<Prepared> {
    const { embedder, tokenizer, contextTokens } = this.#options;
    const limit: TextLimit = { contextTokens, signal };
    const tokens =
      typeof input === "string"
        ? await textTokens(input, { control: false }, tokenizer, limit)
        : input;
    if (tokens.length === 0) {
      throw invalidRequest(PROMPT_FIELD, `Input ${index} holds no tokens, so it has no embedding.`);
    }
    const length = embedder.evaluatedTokens(tokens);
    if (length > contextTokens) throw overflow(length, limit);
    return { tokens, length };
  }

  #takeTurn(embed: () => Promise<readonly number[]>): Promise<Float32Array> {
    const turn = this.#turn.then(embed);
    this.#turn = turn.catch(() => undefined);
    return turn.then(normalised);
  }
}

/** To length 1, so that a dot product is a cosine. */
function normalised(vector: readonly number[]): Float32Array {
  const length = Math.hypot(...vector);
  return Float32Array.from(vector, (value) => (length === 0 ? 0 : value / length));
}
