/**
 * Embeddings, one input after the other: the library's embedding context holds one sequence.
 *
 * Requests take turns input by input, so that a request with two thousand inputs does not stand in the
 * way of a request with one.
 */
import type { EmbedEvent, EmbedRequest } from "@localmodel/inference/embed.ts";
import { Failure, type FailureData, PROMPT_FIELD } from "@localmodel/inference/failure.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import { engineFailed } from "@localmodel/inference/unavailability.ts";
import { epochMs } from "@localmodel/telemetry/spans/epoch.ts";
import { overflow, type TextLimit, type TextTokenizer, textTokens } from "../prompt/text-tokens.ts";
import type { EngineEvent } from "../protocol.ts";
import type { Vocabulary } from "../text/vocabulary.ts";
import { CancelledError } from "./cancelled-error.ts";

export type Embedder = {
  /** Tokens that will be evaluated: those of the input, and the beginning and end the model wants. */
  evaluatedTokens(input: readonly number[]): number;
  /** The pooled vector, as long as the model makes it. */
  embed(input: readonly number[]): Promise<readonly number[]>;
};

type EmbeddingOptions = {
  readonly embedder: Embedder;
  readonly tokenizer: TextTokenizer;
  readonly vocabulary: Pick<Vocabulary, "textOf">;
  readonly contextTokens: number;
  readonly send: (events: readonly EngineEvent[]) => void;
  /** Told of what nobody foresaw. */
  readonly onBroken: (error: unknown, inARow: number) => void;
};

type Prepared = { readonly tokens: readonly number[]; readonly length: number };

export class EmbeddingQueue {
  readonly #options: EmbeddingOptions;
  readonly #open = new Map<number, AbortController>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: EmbeddingOptions) {
    this.#options = options;
  }

  async embed(id: number, request: EmbedRequest): Promise<void> {
    const cancellation = new AbortController();
    this.#open.set(id, cancellation);
    const put = (event: EmbedEvent) => this.#options.send([{ id, event: timed(event, request) }]);
    try {
      await this.#embed(request, put, cancellation.signal);
    } catch (error) {
      if (!(error instanceof CancelledError)) {
        this.#options.send([{ id, failure: this.#failureOf(error) }]);
      }
    } finally {
      this.#open.delete(id);
    }
  }

  cancel(id: number): void {
    this.#open.get(id)?.abort(new CancelledError());
  }

  /** Throws a Failure naming the input that cannot be embedded, and the reason of the cancellation. */
  async #embed(
    request: EmbedRequest,
    put: (event: EmbedEvent) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const receivedMs = epochMs();
    const prepared: Prepared[] = [];
    for (const [index, input] of request.inputs.entries()) {
      prepared.push(await this.#prepare(input, index, signal));
    }
    const promptTokens = prepared.reduce((sum, { length }) => sum + length, 0);
    put({ type: "accepted", promptTokens, ...this.#reports(request, prepared, receivedMs) });
    const vectors: Float32Array[] = [];
    for (const [index, { tokens }] of prepared.entries()) {
      signal.throwIfAborted();
      const turn = this.#takeTurn(() => {
        if (index === 0) put({ type: "evaluating" });
        return this.#options.embedder.embed(tokens);
      });
      vectors.push(await turn);
    }
    put({ type: "vectors", vectors });
    put({ type: "done", usage: { promptTokens, completionTokens: 0, cachedTokens: 0 } });
  }

  #reports(
    { reportsPrompts, reportsTimes }: EmbedRequest,
    prepared: readonly Prepared[],
    receivedMs: number,
  ) {
    const { vocabulary } = this.#options;
    const engine = { receivedMs, processId: process.pid };
    return {
      ...(reportsPrompts === true && {
        prompts: prepared.map(({ tokens }) => vocabulary.textOf(tokens)),
      }),
      ...(reportsTimes === true && { engine }),
    };
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

  /** Anything that is not meant for the client is told as the engine's failure. */
  #failureOf(error: unknown): FailureData {
    if (error instanceof Failure) return error.data;
    this.#options.onBroken(error, 1);
    return engineFailed("The engine failed to embed this input.").data;
  }
}

function timed(event: EmbedEvent, { reportsTimes }: EmbedRequest): EmbedEvent {
  return reportsTimes === true && event.type !== "vectors" ? { ...event, atMs: epochMs() } : event;
}

/** To length 1, so that a dot product is a cosine. */
function normalised(vector: readonly number[]): Float32Array {
  const length = Math.hypot(...vector);
  return Float32Array.from(vector, (value) => (length === 0 ? 0 : value / length));
}
