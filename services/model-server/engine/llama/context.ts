/**
 * The context that generates: a fixed set of sequences, each the cache of one slot.
 *
 * Sequences are never disposed while the process lives; taking and giving them back at run time is where
 * the library crashes.
 */
import type { LlamaContext, LlamaContextSequence, LlamaModel, Token } from "node-llama-cpp";
import { type BatchCounters, slotOrder } from "../stepping/batch.ts";
import type { Distribution, SampleOptions, Sequence } from "../stepping/sequence.ts";
import { orDoesNotFit } from "./memory-failure.ts";
import { SamplerMemory } from "./sampler-memory.ts";
import { samplerOptions } from "./sampler-options.ts";

export type ContextOptions = {
  readonly contextTokens: number;
  readonly slots: number;
  readonly batchTokens: number;
  readonly flashAttention: boolean;
  readonly kvCacheType: string;
  readonly threads: number;
  readonly adapters: readonly { readonly path: string; readonly scale: number }[];
};

const ADAPTER_HINT = ". An adapter has to be a LoRA adapter that was made for this model.";

export type GenerationContext = {
  readonly sequences: readonly Sequence[];
  readonly counters: BatchCounters;
  /** Whether llama.cpp really uses it. */
  readonly flashAttention: boolean;
  readonly memoryBytes: { readonly ram: number; readonly vram: number };
};

export async function createContext(
  model: LlamaModel,
  options: ContextOptions,
): Promise<GenerationContext> {
  const counters: BatchCounters = { batches: 0, sequences: 0, unsafe: 0 };
  const kvType = options.kvCacheType.toUpperCase() as "F16";
  const total = options.contextTokens * options.slots;
  const context = await orDoesNotFit(
    `a context of ${options.slots} × ${options.contextTokens} = ${total} tokens`,
    () =>
      model.createContext({
        contextSize: options.contextTokens,
        sequences: options.slots,
        batchSize: options.batchTokens,
        flashAttention: options.flashAttention,
        threads: options.threads,
        experimentalKvCacheKeyType: kvType,
        experimentalKvCacheValueType: kvType,
        // The library would quietly shrink the context that the LocalModel asks for.
        failedCreationRemedy: false,
        batching: { itemPrioritizationStrategy: slotOrder(counters) },
        lora: {
          adapters: options.adapters.map(({ path, scale }) => ({ filePath: path, scale })),
        },
      }),
    options.adapters.length === 0 ? "" : ADAPTER_HINT,
  );
  const memory = new SamplerMemory(model.fileInfo.metadata.tokenizer.ggml.tokens.length);
  const sequences = Array.from(
    { length: options.slots },
    (_, number) => new LlamaSequence(context, number, memory),
  );
  const flashAttention = context.flashAttention === true;
  return { sequences, counters, flashAttention, memoryBytes: context.memoryUsage };
}

class LlamaSequence implements Sequence {
  readonly number: number;
  readonly #sequence: LlamaContextSequence;
  readonly #model: LlamaModel;
  readonly #priority: number;
  readonly #memory: SamplerMemory;

  constructor(context: LlamaContext, number: number, memory: SamplerMemory) {
    this.#memory = memory;
    this.number = number;
    this.#model = context.model;
    this.#sequence = context.getSequence();
    // The library's lowest priority is 1.
    this.#priority = number + 1;
  }

  get tokens(): readonly number[] {
    return this.#sequence.contextTokens;
  }

  keepable(length: number): number {
    const kept = Math.min(length, this.#sequence.nextTokenIndex);
    if (kept === this.#sequence.nextTokenIndex) return kept;
    // Sliding-window and recurrent models cannot always go back; the library would evaluate the rest
    // again in one piece, out of the scheduler's hands.
    return this.#sequence.getRestoreToPrefixIndexEvaluationSize(kept) === 0 ? kept : 0;
  }

  async truncate(length: number): Promise<void> {
    const end = this.#sequence.nextTokenIndex;
    if (length < end) await this.#sequence.eraseContextTokenRanges([{ start: length, end }]);
  }

  async prefill(tokens: readonly number[]): Promise<void> {
    await this.#sequence.evaluateWithoutGeneratingNewTokens(tokens as Token[], {
      evaluationPriority: this.#priority as 1,
    });
    this.#memory.left();
  }

  sample(tokens: readonly number[], options: SampleOptions) {
    const stream = this.#sequence.evaluateWithMetadata(
      tokens as Token[],
      {},
      {
        ...samplerOptions(this.#model, options),
        evaluationPriority: this.#priority as 1,
        yieldEogToken: true,
      },
    );
    return {
      next: async () => {
        const { value } = await stream.next();
        if (value === undefined) throw new Error("The engine's token stream ended by itself");
        return value.token;
      },
      end: async () => {
        await stream.return();
        this.#memory.left();
      },
    };
  }

  async distributions(tokens: readonly number[]): Promise<Distribution[]> {
    const output = await this.#sequence.controlledEvaluate(
      tokens.map((token) => [token as Token, { generateNext: RAW }]),
      { evaluationPriority: this.#priority as 1 },
    );
    this.#memory.left();
    return tokens.map((_, index) => output[index]?.next.probabilities ?? new Map());
  }
}

/** Sampling options that leave the model's distribution as it is. */
const RAW = {
  probabilities: true,
  options: { temperature: 1, topK: 0, topP: 1, minP: 0, seed: 0 },
} as const;
