/**
 * What a model pools its inputs to, embeddings or scores, of all requests, one batch after another: see embedding-batch.ts for who is in which.
 */
import { Failure, type FailureData } from "@localmodel/inference/failure.ts";
import type { EventOf, RequestOf } from "@localmodel/inference/operation.ts";
import type { Reports } from "@localmodel/inference/events.ts";
import { engineFailed } from "@localmodel/inference/unavailability.ts";
import { epochMs } from "@localmodel/telemetry/spans/epoch.ts";
import type { PairPiece } from "../prompt/rerank-pairs.ts";
import type { EngineEvent } from "../protocol.ts";
import type { Vocabulary } from "../text/vocabulary.ts";
import { CancelledError } from "./cancelled-error.ts";
import { nextBatch } from "./embedding-batch.ts";
import { Outbox } from "./outbox.ts";

export type Embedder = {
  /** Inputs, and tokens of more than one input, that one batch takes. */
  readonly inputsMax: number;
  readonly batchTokens: number;
  readonly memoryBytes: { readonly ram: number; readonly vram: number };
  /** What a query and a document are written into. */
  readonly pair: readonly PairPiece[];
  /** The input's tokens with the beginning and the end that the model wants. */
  complete(input: readonly number[]): readonly number[];
  /** Complete inputs, as many as a batch takes. The pooled vectors, as long as the model makes them. */
  embed(inputs: readonly (readonly number[])[]): Promise<readonly Float32Array[]>;
};

type Pooled = "embed" | "rerank";

type EmbeddingOptions<Asked extends Pooled> = {
  readonly embedder: Embedder;
  readonly vocabulary: Pick<Vocabulary, "textOf">;
  /** A request's inputs. Throws a Failure naming the input that cannot be evaluated. */
  readonly prepare: (
    request: RequestOf<Asked>,
    signal: AbortSignal,
  ) => Promise<readonly PreparedInput[]>;
  /** What is told of the pooled vectors. */
  readonly outcome: (vectors: readonly Float32Array[]) => EventOf<Asked>;
  readonly send: (events: readonly EngineEvent[]) => void;
  /** Told of what nobody foresaw. */
  readonly onBroken: (error: unknown, inARow: number) => void;
};

/** An input: as the caller wrote it, and as it is evaluated. */
type PreparedInput = {
  readonly tokens: readonly number[];
  readonly complete: readonly number[];
};

/** A request with inputs that are not embedded yet. */
type Waiting = {
  readonly inputs: readonly (readonly number[])[];
  readonly vectors: Float32Array[];
  readonly signal: AbortSignal;
  readonly begins: () => void;
  readonly ends: (vectors: readonly Float32Array[]) => void;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
};

export class EmbeddingQueue<Asked extends Pooled> {
  readonly #options: EmbeddingOptions<Asked>;
  readonly #outbox: Outbox;
  readonly #open = new Map<number, AbortController>();
  /** In order of arrival. */
  readonly #waiting = new Set<Waiting>();
  #looping = false;
  /** What the last batch took. */
  #batchMs = Number.POSITIVE_INFINITY;

  constructor(options: EmbeddingOptions<Asked>) {
    this.#options = options;
    this.#outbox = new Outbox(options.send);
  }

  async evaluate(id: number, request: RequestOf<Asked>): Promise<void> {
    const cancellation = new AbortController();
    this.#open.set(id, cancellation);
    const put = (event: EventOf<Pooled>, canWait = false) =>
      this.#outbox.put({ id, event: timed(event, request) }, { canWait });
    try {
      await this.#evaluate(request, put, cancellation.signal);
    } catch (error) {
      if (error instanceof CancelledError) return;
      this.#outbox.put({ id, failure: this.#failureOf(error) });
      this.#outbox.sendAll();
    } finally {
      this.#open.delete(id);
    }
  }

  /** Touches all weights once, as the scheduler does. Requests that arrive meanwhile wait for it. */
  async warmUp(): Promise<void> {
    if (this.#looping) return;
    this.#looping = true;
    try {
      await this.#options.embedder.embed([[0]]);
    } catch (error) {
      this.#options.onBroken(error, 1);
    }
    await this.#loop();
  }

  cancel(id: number): void {
    this.#open.get(id)?.abort(new CancelledError());
  }

  /** Throws a Failure naming the input that cannot be embedded, and the reason of the cancellation. */
  async #evaluate(
    request: RequestOf<Asked>,
    put: (event: EventOf<Pooled>, canWait?: boolean) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const receivedMs = epochMs();
    const prepared = await this.#options.prepare(request, signal);
    const promptTokens = prepared.reduce((sum, { complete }) => sum + complete.length, 0);
    // What is told while a batch is evaluated is paid for by its threads, which wait for each other.
    put({ type: "accepted", promptTokens, ...this.#reports(request, prepared, receivedMs) }, true);
    const inputs = prepared.map(({ complete }) => complete);
    const ends = (vectors: readonly Float32Array[]): void => {
      put(this.#options.outcome(vectors));
      put({ type: "done", usage: { promptTokens, completionTokens: 0, cachedTokens: 0 } });
    };
    if (inputs.length > 0) {
      const begins = (): void => put({ type: "evaluating" }, true);
      await this.#embedded(inputs, signal, { begins, ends });
    } else {
      // It was asked for nothing but the model.
      ends([]);
      this.#outbox.sendAll();
    }
  }

  #embedded(
    inputs: readonly (readonly number[])[],
    signal: AbortSignal,
    { begins, ends }: Pick<Waiting, "begins" | "ends">,
  ): Promise<void> {
    const { promise, resolve: done, reject: failed } = Promise.withResolvers<void>();
    this.#waiting.add({ inputs, vectors: [], signal, begins, ends, done, failed });
    if (!this.#looping) void this.#loop();
    return promise;
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
    for (const { request } of parts) if (request.vectors.length === 0) request.begins();
    this.#outbox.sendPressing(this.#batchMs);
    const beganMs = performance.now();
    try {
      const vectors = await embedder.embed(parts.flatMap(({ inputs }) => inputs));
      const owners = parts.flatMap(({ request, inputs }) => inputs.map(() => request));
      for (const [index, owner] of owners.entries()) {
        owner.vectors.push(vectors[index] ?? new Float32Array());
      }
    } catch (error) {
      for (const { request } of parts) this.#end(request, () => request.failed(error));
      return;
    } finally {
      this.#batchMs = performance.now() - beganMs;
    }
    for (const { request } of parts) {
      if (request.vectors.length === request.inputs.length)
        this.#end(request, () => finish(request));
    }
    this.#outbox.sendAll();
  }

  #end(request: Waiting, tell: () => void): void {
    this.#waiting.delete(request);
    tell();
  }

  #reports(
    { reportsPrompts, reportsTimes }: Reports,
    prepared: readonly PreparedInput[],
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

  /** Anything that is not meant for the client is told as the engine's failure. */
  #failureOf(error: unknown): FailureData {
    if (error instanceof Failure) return error.data;
    this.#options.onBroken(error, 1);
    return engineFailed("The engine failed to evaluate this input.").data;
  }
}

function finish({ vectors, ends, done, failed }: Waiting): void {
  try {
    ends(vectors);
    done();
  } catch (error) {
    failed(error);
  }
}

function timed(event: EventOf<Pooled>, { reportsTimes }: Reports): EventOf<Pooled> {
  const isResult = event.type === "vectors" || event.type === "scores";
  return reportsTimes === true && !isResult ? { ...event, atMs: epochMs() } : event;
}
