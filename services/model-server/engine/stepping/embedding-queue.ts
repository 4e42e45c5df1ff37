/**
 * Embeddings of all requests, one batch after another: see embedding-batch.ts for who is in which.
 */
import type { EmbedEvent, EmbedRequest } from "@localmodel/inference/embed.ts";
import { Failure, type FailureData, promptField } from "@localmodel/inference/failure.ts";
import { engineFailed } from "@localmodel/inference/unavailability.ts";
import { epochMs } from "@localmodel/telemetry/spans/epoch.ts";
import { encodeInput } from "../prompt/embedding-input.ts";
import type { TextTokenizer } from "../prompt/text-tokens.ts";
import type { EngineEvent } from "../protocol.ts";
import type { Vocabulary } from "../text/vocabulary.ts";
import { CancelledError } from "./cancelled-error.ts";
import { nextBatch } from "./embedding-batch.ts";

export type Embedder = {
  /** Inputs, and tokens of more than one input, that one batch takes. */
  readonly inputsMax: number;
  readonly batchTokens: number;
  readonly memoryBytes: { readonly ram: number; readonly vram: number };
  /** The input's tokens with the beginning and the end that the model wants. */
  complete(input: readonly number[]): readonly number[];
  /** Complete inputs, as many as a batch takes. The pooled vectors, as long as the model makes them. */
  embed(inputs: readonly (readonly number[])[]): Promise<readonly Float32Array[]>;
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

/** An input: as the caller wrote it, and as it is evaluated. */
type Prepared = { readonly tokens: readonly number[]; readonly complete: readonly number[] };

/** A request with inputs that are not embedded yet. */
type Waiting = {
  readonly inputs: readonly (readonly number[])[];
  readonly vectors: Float32Array[];
  readonly signal: AbortSignal;
  readonly onBegin: () => void;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
};

export class EmbeddingQueue {
  readonly #options: EmbeddingOptions;
  readonly #open = new Map<number, AbortController>();
  /** In order of arrival. */
  readonly #waiting = new Set<Waiting>();
  #looping = false;

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
    for (const index of request.inputs.keys()) {
      prepared.push(await this.#prepare(request, index, signal));
    }
    const promptTokens = prepared.reduce((sum, { complete }) => sum + complete.length, 0);
    put({ type: "accepted", promptTokens, ...this.#reports(request, prepared, receivedMs) });
    const inputs = prepared.map(({ complete }) => complete);
    const vectors = await this.#vectorsOf(inputs, signal, () => put({ type: "evaluating" }));
    put({ type: "vectors", vectors });
    put({ type: "done", usage: { promptTokens, completionTokens: 0, cachedTokens: 0 } });
  }

  async #vectorsOf(
    inputs: readonly (readonly number[])[],
    signal: AbortSignal,
    onBegin: () => void,
  ): Promise<readonly Float32Array[]> {
    const { promise, resolve: done, reject: failed } = Promise.withResolvers<void>();
    const vectors: Float32Array[] = [];
    this.#waiting.add({ inputs, vectors, signal, onBegin, done, failed });
    if (!this.#looping) void this.#loop();
    await promise;
    return vectors;
  }

  async #loop(): Promise<void> {
    this.#looping = true;
    for (;;) {
      this.#releaseCancelled();
      if (this.#waiting.size === 0) break;
      await this.#step([...this.#waiting]);
    }
    this.#looping = false;
  }

  #releaseCancelled(): void {
    for (const request of this.#waiting) {
      if (!request.signal.aborted) continue;
      this.#waiting.delete(request);
      request.failed(request.signal.reason);
    }
  }

  async #step(requests: readonly Waiting[]): Promise<void> {
    const { embedder } = this.#options;
    const left = requests.map(({ inputs, vectors }) => inputs.slice(vectors.length));
    const counts = nextBatch(
      left.map((inputs) => ({ lengths: inputs.map(({ length }) => length) })),
      { tokens: embedder.batchTokens, inputs: embedder.inputsMax },
    );
    const parts = requests.flatMap((request, index) => {
      const inputs = left[index]?.slice(0, counts[index]) ?? [];
      return inputs.length === 0 ? [] : [{ request, inputs }];
    });
    for (const { request } of parts) if (request.vectors.length === 0) request.onBegin();
    try {
      const vectors = await embedder.embed(parts.flatMap(({ inputs }) => inputs));
      const owners = parts.flatMap(({ request, inputs }) => inputs.map(() => request));
      for (const [index, owner] of owners.entries()) {
        owner.vectors.push(normalised(vectors[index] ?? new Float32Array()));
      }
    } catch (error) {
      for (const { request } of parts) this.#end(request, () => request.failed(error));
      return;
    }
    for (const { request } of parts) {
      if (request.vectors.length === request.inputs.length) this.#end(request, request.done);
    }
  }

  #end(request: Waiting, tell: () => void): void {
    this.#waiting.delete(request);
    tell();
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
    { inputs, truncation }: EmbedRequest,
    index: number,
    signal: AbortSignal,
  ): Promise<Prepared> {
    const { embedder, tokenizer, contextTokens } = this.#options;
    const tokens = await encodeInput(inputs[index] ?? "", tokenizer, {
      contextTokens,
      evaluatedTokens: (some) => embedder.complete(some).length,
      truncation,
      field: promptField(index, inputs.length),
      signal,
    });
    return { tokens, complete: embedder.complete(tokens) };
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
function normalised(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return vector.map((value) => (length === 0 ? 0 : value / length));
}
