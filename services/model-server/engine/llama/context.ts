/**
 * The context that generates: a fixed set of sequences, each the cache of one slot, evaluated together.
 *
 * Caches are apart: how long one conversation is costs the others nothing, and what one says does not depend on who else
 * is there.
 */
import { type Adapter, loadAdapter } from "@localmodel/llama/adapter.ts";
import type { Batch } from "@localmodel/llama/batch.ts";
import { type Context, createContext } from "@localmodel/llama/context.ts";
import type { Model } from "@localmodel/llama/model.ts";
import { type Logprobs, logprobsOf } from "@localmodel/llama/sampling/logprobs.ts";
import {
  createSampler,
  NothingToChooseError,
  type Sampler,
} from "@localmodel/llama/sampling/sampler.ts";
import { softmaxOf } from "@localmodel/llama/sampling/softmax.ts";
import { restoreSequence, saveSequence } from "@localmodel/llama/sequence-state.ts";
import { isRow } from "../prompt/picture-rows.ts";
import type { Chooser, ChooserOptions, Run, StepContext } from "../stepping/step-context.ts";
import { cacheOptions, type CacheSettings } from "./engine-settings.ts";
import type { LlamaLibrary } from "./library.ts";
import { orDoesNotFit } from "./memory-failure.ts";
import { type MemoryBytes, memoryOf } from "./model.ts";
import { RowBatches } from "./row-batches.ts";
import { historyTokensOf, stagesOf } from "./sampler-stages.ts";
import type { StepKind, StepThreads } from "./step-threads.ts";

export type ContextOptions = CacheSettings & {
  readonly contextTokens: number;
  readonly slots: number;
  readonly batchTokens: number;
  readonly flashAttention: boolean;
  readonly threads: StepThreads;
  /** With an id for those requests that name it, without for all. */
  readonly adapters: readonly {
    readonly id?: string;
    readonly path: string;
    readonly scale: number;
  }[];
};

/** What the logits of one step may take: each is as long as the vocabulary. */
const LOGITS_BYTES = 32 * 2 ** 20;
/** Of one sequence in a step: with so many, what takes time is computing, and with few reading the weights. */
const PROMPT_TOKENS = 32;
const ADAPTER_HINT = ". An adapter has to be a LoRA adapter that was made for this model.";

export async function createGenerationContext(
  library: LlamaLibrary,
  model: Model,
  options: ContextOptions,
): Promise<GenerationContext> {
  const { contextTokens, slots, threads } = options;
  const batchTokens = Math.max(options.batchTokens, slots);
  const total = contextTokens * slots;
  const outputs = Math.floor(LOGITS_BYTES / (4 * model.vocabulary.size));
  // llama.cpp wants to know of all before it makes a context.
  const adapters = await loadAdapters(library, model, options.adapters);
  const context = await orDoesNotFit(
    library,
    `a context of ${slots} × ${contextTokens} = ${total} tokens`,
    () =>
      createContext(model, {
        contextTokens: total,
        sequences: slots,
        batchTokens,
        microBatchTokens: batchTokens,
        outputs: Math.min(batchTokens, Math.max(slots, outputs)),
        flashAttention: options.flashAttention ? "enabled" : "disabled",
        ...cacheOptions(options),
        threads: threads.counts.answer,
        batchThreads: threads.counts.prompt,
        cores: threads.cores,
      }),
  );
  return new GenerationContext(context, options, adapters);
}

type LoadedAdapter = {
  /** Undefined where it is applied to all requests. */
  readonly id: string | undefined;
  readonly adapter: Adapter;
  readonly scale: number;
};

async function loadAdapters(
  library: LlamaLibrary,
  model: Model,
  adapters: ContextOptions["adapters"],
): Promise<readonly LoadedAdapter[]> {
  const loaded: LoadedAdapter[] = [];
  for (const { id, path, scale } of adapters) {
    const adapter = await orDoesNotFit(
      library,
      `the adapter ${path}`,
      () => loadAdapter(model, path),
      ADAPTER_HINT,
    );
    loaded.push({ id, adapter, scale });
  }
  return loaded;
}

export class GenerationContext implements StepContext {
  readonly sequences: number;
  readonly batchTokens: number;
  readonly outputsMax: number;
  /** Batches evaluated since the start, and the sequences in them: divided, how full they were. */
  readonly counters = { batches: 0, sequences: 0 };
  readonly memoryBytes: MemoryBytes;
  readonly flashAttention: boolean;
  readonly cutsAnywhere: boolean;
  readonly #context: Context;
  readonly #batch: Batch;
  readonly #rows: RowBatches;
  readonly #unified: boolean;
  readonly #slotTokens: number;
  /** 0 where nothing is forgotten. */
  readonly #windowTokens: number;
  readonly #threads: StepThreads;
  readonly #adapters: readonly LoadedAdapter[];
  /** Undefined is the model as it is. */
  #adapter: string | undefined;

  constructor(
    context: Context,
    { flashAttention, threads, ...options }: ContextOptions,
    adapters: readonly LoadedAdapter[],
  ) {
    const { batchTokens, sequences, outputs } = context.limits;
    this.#context = context;
    this.#threads = threads;
    this.#batch = context.createBatch({ tokens: batchTokens });
    this.#rows = new RowBatches(context);
    this.#unified = options.kvUnified ?? false;
    this.#slotTokens = options.contextTokens;
    this.#windowTokens =
      options.fullSwaCache === true ? 0 : context.model.shape.slidingWindowTokens;
    const { recurrent, hybrid } = context.model.kind;
    this.cutsAnywhere = !recurrent && !hybrid && this.#windowTokens === 0;
    this.sequences = sequences;
    this.batchTokens = batchTokens;
    this.outputsMax = outputs;
    this.flashAttention = flashAttention;
    this.memoryBytes = memoryOf(context.reservations);
    this.#adapters = adapters;
    this.#apply();
  }

  use(adapter: string | undefined): void {
    if (adapter === this.#adapter) return;
    this.#adapter = adapter;
    this.#apply();
  }

  #apply(): void {
    if (this.#adapters.length === 0) return;
    const isApplied = ({ id }: LoadedAdapter) => id === undefined || id === this.#adapter;
    this.#context.setAdapters(this.#adapters.filter(isApplied));
  }

  async evaluate(
    runs: readonly Run[],
    abandoned?: AbortSignal,
  ): Promise<readonly number[] | undefined> {
    const batch = this.#batch;
    batch.clear();
    const indexes = runs.map((run) => (run.rows === undefined ? this.#add(run) : 0));
    this.counters.batches += 1;
    this.counters.sequences += runs.length;
    const evaluated = await this.#threads.during(kindOf(runs), this.#context, async () => {
      const rows = await this.#rows.evaluate(runs, abandoned);
      if (rows !== "done" || batch.size === 0) return rows;
      return this.#context.decode(batch, abandoned);
    });
    if (evaluated === "aborted") return undefined;
    if (evaluated !== "done") throw new Error(`llama.cpp did not evaluate a batch: ${evaluated}`);
    return indexes;
  }

  /** Returns the index of the run's first token in the batch. */
  #add({ sequence, position, tokens, outputs }: Run): number {
    const first = this.#batch.size;
    for (const [offset, token] of tokens.entries()) {
      const last = offset === tokens.length - 1;
      const output = outputs === "all" || (last && outputs === "last");
      this.#batch.add(token, position + offset, sequence, output);
    }
    return first;
  }

  logits(index: number): Float32Array {
    return this.#context.outputs.logits(index);
  }

  logprobs(index: number, token: number, count: number): Logprobs {
    const softmax = softmaxOf(this.#context.model);
    return logprobsOf(this.logits(index), token, count, (logits, largest) =>
      softmax.sum(logits, largest),
    );
  }

  chooser({ sampling, seed, prompt }: ChooserOptions): Chooser {
    const stages = stagesOf(sampling, { seed, contextTokens: this.#slotTokens });
    const sampler = createSampler(this.#context.model, { stages });
    const history = historyTokensOf(stages);
    for (const token of history > 0 ? lastTokens(prompt, history) : []) sampler.accept(token);
    return {
      choose: (index) => sampler.sample(this.#context, index),
      draw: (logits) => drawn(sampler, logits),
      accept: (token) => sampler.accept(token),
      end: () => sampler[Symbol.dispose](),
    };
  }

  keep(sequence: number, position: number): number {
    const { sequences } = this.#context;
    if (position > 0 && this.#reaches(sequence, position) && sequences.remove(sequence, position)) {
      return position;
    }
    sequences.remove(sequence);
    return 0;
  }

  /** Layers with a window have forgotten what is far behind the newest token, and cannot go back there. */
  #reaches(sequence: number, position: number): boolean {
    if (this.#windowTokens === 0) return true;
    const range = this.#context.sequences.range(sequence);
    return range !== undefined && range.first <= Math.max(0, position - this.#windowTokens);
  }

  async copy(from: number, to: number): Promise<void> {
    if (this.#unified) this.#context.sequences.copy(from, to);
    else await this.restore(to, await this.save(from));
  }

  save(sequence: number): Promise<Uint8Array> {
    return saveSequence(this.#context, sequence);
  }

  restore(sequence: number, state: Uint8Array): Promise<void> {
    return restoreSequence(this.#context, sequence, state);
  }
}

/** A step of guesses and of text that was put is as short as one of single tokens. */
function kindOf(runs: readonly Run[]): StepKind {
  return runs.some(({ tokens }) => tokens.length >= PROMPT_TOKENS) ? "prompt" : "answer";
}

/** Without rows of pictures, which nothing repeats. */
function lastTokens(prompt: readonly number[], count: number): readonly number[] {
  return prompt.filter((token) => !isRow(token)).slice(-count);
}

function drawn(sampler: Sampler, logits: Float32Array): number | undefined {
  try {
    return sampler.choose(logits);
  } catch (error) {
    if (error instanceof NothingToChooseError) return undefined;
    throw error;
  }
}
