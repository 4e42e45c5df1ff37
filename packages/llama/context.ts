/**
 * A context: the caches of its sequences, and the outputs of what was evaluated last.
 *
 * One call at a time. `decode` runs on another thread, and until it is done nothing else may be asked of the context;
 * logits and embeddings are llama.cpp's own memory, and end when the next evaluation begins.
 */
import { AbortFlag } from "./abort-flag.ts";
import type { Adapter } from "./adapter.ts";
import { Batch, type BatchLimits } from "./batch.ts";
import { type ContextOptions, contextParams, type Pooling } from "./context-options.ts";
import { llama_pooling_type } from "./generated/constants.ts";
import type { Reservation } from "./logs/log-lines.ts";
import type { Model } from "./model.ts";
import { LlamaError, OwnershipError } from "./native/errors.ts";
import { Handle } from "./native/handle.ts";
import type { Pointer } from "./pointer.ts";
import { Outputs } from "./outputs.ts";
import { Sequences } from "./sequences.ts";
import { Threads } from "./threads.ts";

/** `full`: no room in the cache, and nothing was evaluated. `aborted`: micro-batches before stay in the cache. */
export type Evaluated = "done" | "full" | "aborted";

/** @throws LlamaError when there is not enough memory, or the options contradict the model: its log says which */
export async function createContext(model: Model, options: ContextOptions): Promise<Context> {
  const { native } = model.llama;
  const flag = new AbortFlag(native);
  const params = {
    ...contextParams(native.call.llama_context_default_params(), options),
    abort_callback: flag.callback,
    abort_callback_data: flag.data,
  };
  const { result: pointer, reservations } = await model.llama.reserving(() =>
    model.handle.using((weights) => native.later("llama_init_from_model", weights, params)),
  );
  if (pointer === null) {
    flag[Symbol.dispose]();
    throw new LlamaError(`llama.cpp could not make a context of ${options.contextTokens} tokens`);
  }
  return new Context(model, { pointer, flag, options, reservations });
}

type Made = {
  readonly pointer: Pointer<"llama_context">;
  readonly flag: AbortFlag;
  readonly options: ContextOptions;
  readonly reservations: readonly Reservation[];
};

const POOLINGS = new Map(
  Object.entries(llama_pooling_type).map(
    ([name, value]) => [value as number, name.toLowerCase() as Pooling] as const,
  ),
);

export class Context implements Disposable {
  readonly model: Model;
  /** Memory that its caches and computations take, by buffer. */
  readonly reservations: readonly Reservation[];
  /** As llama.cpp has them, which may be more than was asked for. */
  readonly limits: {
    readonly contextTokens: number;
    /** Of one sequence. */
    readonly sequenceTokens: number;
    readonly sequences: number;
    readonly batchTokens: number;
    readonly microBatchTokens: number;
    /** Of one batch. */
    readonly outputs: number;
  };
  readonly pooling: Pooling;
  readonly sequences: Sequences;
  /** Of the batch that was evaluated last. */
  readonly outputs: Outputs;
  readonly #handle: Handle<"llama_context">;
  readonly #flag: AbortFlag;
  readonly #batches = new Set<Batch>();
  readonly #threads: Threads;
  #adapters: readonly Adapter[] = [];
  #embeds: boolean;
  #causal: boolean;
  #running = false;

  constructor(model: Model, { pointer, flag, options, reservations }: Made) {
    const { call } = model.llama.native;
    this.model = model;
    this.reservations = reservations;
    this.#flag = flag;
    this.#handle = new Handle("context", pointer, (freed) => this.#free(freed), model.handle);
    this.limits = {
      contextTokens: call.llama_n_ctx(pointer),
      sequenceTokens: call.llama_n_ctx_seq(pointer),
      sequences: call.llama_n_seq_max(pointer),
      batchTokens: call.llama_n_batch(pointer),
      microBatchTokens: call.llama_n_ubatch(pointer),
      outputs: options.outputs ?? call.llama_n_batch(pointer),
    };
    this.pooling = POOLINGS.get(call.llama_pooling_type(pointer)) ?? "unspecified";
    const unified = options.unifiedCache ?? false;
    this.sequences = new Sequences(
      model.llama.native,
      { count: this.limits.sequences, unified },
      () => this.pointer,
    );
    const { pooling, sequences } = this;
    this.outputs = new Outputs({ model, pooling, sequences, pointer: () => this.pointer });
    this.#embeds = options.embeddings ?? false;
    this.#causal = isCausal(model, options);
    this.#threads = new Threads(model.llama.native, options.cores ?? []);
    this.#giveThreads();
  }

  /** @throws OwnershipError when the context was freed, or is in use by another thread */
  get pointer(): Pointer<"llama_context"> {
    if (this.#running) throw new OwnershipError("The context is in use by another thread");
    return this.#handle.pointer;
  }

  /** Ends with the context, at the latest. */
  createBatch(limits: BatchLimits): Batch {
    void this.pointer;
    const bounds = {
      vocabulary: this.model.vocabulary.size,
      sequences: this.limits.sequences,
      dimensions: this.model.shape.inputDimensions,
    };
    const owner = { release: (freed: Batch) => this.#batches.delete(freed) };
    const batch = new Batch(limits, bounds, owner);
    this.#batches.add(batch);
    return batch;
  }

  /** With a cache; for models that only encode, as `encode`. An abort takes effect between operations on the CPU. */
  decode(batch: Batch, signal?: AbortSignal): Promise<Evaluated> {
    return this.#evaluate("llama_decode", batch, signal);
  }

  /** Without a cache, the whole batch at once. */
  encode(batch: Batch, signal?: AbortSignal): Promise<Evaluated> {
    return this.#evaluate("llama_encode", batch, signal);
  }

  async #evaluate(
    name: "llama_decode" | "llama_encode",
    batch: Batch,
    signal: AbortSignal | undefined,
  ): Promise<Evaluated> {
    void this.pointer;
    this.#assertEvaluates(name, batch);
    if (signal?.aborted === true) return "aborted";
    this.outputs.end();
    this.#flag.lower();
    const abort = (): void => this.#flag.raise();
    signal?.addEventListener("abort", abort);
    try {
      const status = await this.alone((context) =>
        batch.lend((native) => this.model.llama.native.later(name, context, native)),
      );
      const evaluated = evaluatedOf(status);
      if (evaluated === "done") this.outputs.begin(this.#outputsOf(batch));
      return evaluated;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** While `work` runs, which calls llama.cpp on another thread, nobody else gets at the context. */
  async alone<Result>(
    work: (context: Pointer<"llama_context">) => Promise<Result>,
  ): Promise<Result> {
    void this.pointer;
    this.#running = true;
    try {
      return await this.#handle.using(work);
    } finally {
      this.#running = false;
    }
  }

  /** What llama.cpp would end the process for. */
  #assertEvaluates(name: "llama_decode" | "llama_encode", batch: Batch): void {
    if (!this.#batches.has(batch)) throw new OwnershipError("The batch is another context's");
    if (batch.size === 0) throw new RangeError("There are no tokens in the batch");
    const whole = name === "llama_encode" || !this.#causal || !this.sequences.remembers;
    const limit = whole ? this.limits.microBatchTokens : this.limits.batchTokens;
    if (batch.size > limit) {
      throw new RangeError(
        `A batch of ${batch.size} tokens is more than the context takes: ${limit}`,
      );
    }
    const outputs = this.#embeds ? 0 : batch.outputs().length;
    if (outputs > this.limits.outputs) {
      throw new RangeError(
        `A batch with ${outputs} outputs is more than the context takes: ${this.limits.outputs}`,
      );
    }
  }

  #outputsOf(batch: Batch): Iterable<number> {
    return this.#embeds ? Array.from({ length: batch.size }).keys() : batch.outputs();
  }

  setThreads(threads: number, batchThreads: number): void {
    for (const count of [threads, batchThreads]) {
      if (!Number.isInteger(count) || count < 1)
        throw new RangeError(`The number of threads must be a whole number from 1, not ${count}`);
    }
    this.model.llama.native.call.llama_set_n_threads(this.pointer, threads, batchThreads);
    this.#giveThreads();
  }

  /** As many as it may use; those that it does not use for a while sleep. */
  #giveThreads(): void {
    this.#threads.give(this.pointer, Math.max(...Object.values(this.threads)));
  }

  get threads(): { readonly threads: number; readonly batchThreads: number } {
    const { call } = this.model.llama.native;
    return {
      threads: call.llama_n_threads(this.pointer),
      batchThreads: call.llama_n_threads_batch(this.pointer),
    };
  }

  setEmbeddings(embeds: boolean): void {
    this.model.llama.native.call.llama_set_embeddings(this.pointer, embeds);
    this.#embeds = embeds;
  }

  setCausalAttention(causal: boolean): void {
    this.model.llama.native.call.llama_set_causal_attn(this.pointer, causal);
    this.#causal = causal;
  }

  /** Applied to all sequences from the next evaluation on, instead of those before. */
  setAdapters(adapters: readonly { readonly adapter: Adapter; readonly scale: number }[]): void {
    const { pointer } = this;
    const addresses = BigUint64Array.from(adapters, ({ adapter }) =>
      adapter.pointerFor(this.model),
    );
    const scales = Float32Array.from(adapters, ({ scale }) => scale);
    const { call } = this.model.llama.native;
    const status = call.llama_set_adapters_lora(pointer, addresses, adapters.length, scales);
    if (status !== 0) throw new LlamaError(`llama.cpp could not set adapters: ${status}`);
    for (const adapter of this.#adapters) adapter.users.delete(this);
    this.#adapters = adapters.map(({ adapter }) => adapter);
    for (const adapter of this.#adapters) adapter.users.add(this);
  }

  /** What was measured since the start or the last reset, when the context measures. */
  performance() {
    const measured = this.model.llama.native.call.llama_perf_context(this.pointer);
    return {
      promptMs: measured.t_p_eval_ms,
      promptTokens: measured.n_p_eval,
      tokensMs: measured.t_eval_ms,
      tokens: measured.n_eval,
      /** Computations whose plan was used again. */
      reusedPlans: measured.n_reused,
    };
  }

  resetPerformance(): void {
    this.model.llama.native.call.llama_perf_context_reset(this.pointer);
  }

  [Symbol.dispose](): void {
    this.#handle[Symbol.dispose]();
  }

  #free(pointer: Pointer<"llama_context">): void {
    this.outputs.end();
    for (const adapter of this.#adapters) adapter.users.delete(this);
    this.model.llama.native.call.llama_free(pointer);
    this.#threads[Symbol.dispose]();
    this.#flag[Symbol.dispose]();
    for (const batch of this.#batches) batch[Symbol.dispose]();
  }
}

function evaluatedOf(status: number): Evaluated {
  if (status === 0) return "done";
  if (status === 1) return "full";
  if (status === 2) return "aborted";
  const reason = status === -1 ? "the batch is not valid" : `failure ${status}`;
  throw new LlamaError(`llama.cpp could not evaluate a batch: ${reason}`);
}

/** Whether tokens attend only to those before them. Otherwise llama.cpp wants all that belong together at once. */
function isCausal(model: Model, { attention = "unspecified" }: ContextOptions): boolean {
  if (attention !== "unspecified") return attention === "causal";
  const metadata = model.metadata();
  return metadata.get(`${metadata.get("general.architecture")}.attention.causal`) !== "false";
}
