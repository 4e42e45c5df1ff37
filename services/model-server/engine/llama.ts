/**
 * node-llama-cpp, and nothing else of this service touches it.
 *
 * The library's chat classes are made for one user; a server drives context sequences itself. What it
 * relies on beyond the documented API is guarded by llama.test.ts: the pinned version may only change
 * together with a green run of it.
 */
import {
  getLlama,
  InsufficientMemoryError,
  type Llama,
  type LlamaContext,
  type LlamaContextSequence,
  LlamaLogLevel,
  type LlamaModel,
  type SequenceEvaluateOptions,
  type Token,
  TokenBias,
} from "node-llama-cpp";
import { type BatchCounters, slotOrder } from "./batch.ts";
import type { Metadata } from "./facts.ts";
import { DoesNotFitError } from "./load-error.ts";
import type { Tokenizer } from "./prompt.ts";
import type { Distribution, SampleOptions, Sequence } from "./sequence.ts";
import type { VocabularySource } from "./vocabulary.ts";

export type LlamaLog = (level: "error" | "warn", message: string) => void;

export async function startLlama(options: {
  readonly gpu: boolean;
  readonly threads: number;
  readonly log: LlamaLog;
}): Promise<Llama> {
  return getLlama({
    build: "never",
    gpu: options.gpu ? "auto" : false,
    maxThreads: options.threads,
    logLevel: LlamaLogLevel.warn,
    logger: (level, message) => {
      const severe = level === LlamaLogLevel.error || level === LlamaLogLevel.fatal;
      options.log(severe ? "error" : "warn", message.trim());
    },
  });
}

export async function loadModel(
  llama: Llama,
  options: {
    readonly path: string;
    readonly gpuLayers: number | undefined;
    /** Tokens of context, over all slots, to leave room for on the GPU. */
    readonly contextTokens: number;
    readonly onProgress: (progress: number) => void;
  },
): Promise<LlamaModel> {
  return orDoesNotFit("the weights", () =>
    llama.loadModel({
      modelPath: options.path,
      gpuLayers: options.gpuLayers ?? { fitContext: { contextSize: options.contextTokens } },
      onLoadProgress: options.onProgress,
    }),
  );
}

export type ModelDescription = {
  readonly metadata: Metadata;
  readonly vocabulary: VocabularySource;
  readonly tokenizer: Omit<Tokenizer, "template" | "longestTokenBytes">;
  readonly tokenizerTexts: { readonly bosText: string; readonly eosText: string };
  readonly chatTemplate: string | undefined;
  readonly isEnd: (token: number) => boolean;
  readonly parameters: number;
  readonly quantization: string;
  readonly sizeBytes: number;
  readonly trainContextTokens: number;
  readonly embeddingDimensions: number;
  readonly memoryBytes: { readonly ram: number; readonly vram: number };
  /** Release of llama.cpp, and what it runs on. */
  readonly engine: string;
};

/** Everything the rest of the engine wants to know about a model, as plain data and functions. */
export function describeModel(llama: Llama, model: LlamaModel): ModelDescription {
  const { metadata } = model.fileInfo;
  const { ggml, chat_template: chatTemplate } = metadata.tokenizer;
  const { tokens } = model;
  const { prefix, middle, suffix } = tokens.infill;
  return {
    metadata: metadata,
    vocabulary: { kind: ggml.model, texts: ggml.tokens, types: ggml.token_type ?? [] },
    tokenizer: {
      tokenize: (text, control) => model.tokenize(text, control),
      bos: tokens.bos ?? undefined,
      eos: tokens.eos ?? undefined,
      wantsBos: tokens.shouldPrependBosToken,
      infill:
        prefix !== null && middle !== null && suffix !== null
          ? { prefix, middle, suffix }
          : undefined,
      cutsAtSpaces: ggml.model === "gpt2",
    },
    tokenizerTexts: { bosText: tokens.bosString ?? "", eosText: tokens.eosString ?? "" },
    chatTemplate: typeof chatTemplate === "string" ? chatTemplate : undefined,
    isEnd: (token) => model.isEogToken(token as Token),
    parameters: model.fileInsights.totalParameters,
    // "llama 135M Q4_1": what follows the architecture and the size.
    quantization: model.typeDescription.split(" ").slice(2).join(" "),
    sizeBytes: model.size,
    trainContextTokens: model.trainContextSize,
    embeddingDimensions: model.embeddingVectorSize,
    memoryBytes: model.memoryUsage,
    engine: `${llama.llamaCppRelease.release} ${llama.gpu === false ? "cpu" : llama.gpu}`,
  };
}

export type ContextOptions = {
  readonly contextTokens: number;
  readonly slots: number;
  readonly batchTokens: number;
  readonly flashAttention: boolean;
  readonly kvCacheType: string;
  readonly threads: number;
  readonly adapters: readonly { readonly path: string; readonly scale: number }[];
};

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
  const counters: BatchCounters = { batches: 0, sequences: 0 };
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
  );
  const sequences = Array.from(
    { length: options.slots },
    (_, number) => new LlamaSequence(context, number),
  );
  const flashAttention = context.flashAttention === true;
  return { sequences, counters, flashAttention, memoryBytes: context.memoryUsage };
}

class LlamaSequence implements Sequence {
  readonly number: number;
  readonly #sequence: LlamaContextSequence;
  readonly #model: LlamaModel;
  readonly #priority: number;

  constructor(context: LlamaContext, number: number) {
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
      },
    };
  }

  async distributions(tokens: readonly number[]): Promise<Distribution[]> {
    const output = await this.#sequence.controlledEvaluate(
      tokens.map((token) => [token as Token, { generateNext: RAW }]),
      { evaluationPriority: this.#priority as 1 },
    );
    return tokens.map((_, index) => output[index]?.next.probabilities ?? new Map());
  }
}

/** Sampling options that leave the model's distribution as it is. */
const RAW = {
  probabilities: true,
  options: { temperature: 1, topK: 0, topP: 1, minP: 0, seed: 0 },
} as const;

const PENALTY_WINDOW_TOKENS = 64;

function samplerOptions(
  model: LlamaModel,
  { sampling, seed, bansEnd, history }: SampleOptions,
): SequenceEvaluateOptions {
  const { repeatPenalty, frequencyPenalty, presencePenalty } = sampling;
  const penalised = repeatPenalty !== 1 || frequencyPenalty !== 0 || presencePenalty !== 0;
  return {
    temperature: sampling.temperature,
    topK: sampling.topK,
    topP: sampling.topP,
    minP: sampling.minP,
    seed,
    ...(penalised && {
      repeatPenalty: {
        // llama.cpp's window: the last tokens of the prompt and of what was generated.
        punishTokens: () => history(PENALTY_WINDOW_TOKENS) as Token[],
        maxPunishTokens: PENALTY_WINDOW_TOKENS,
        penalty: repeatPenalty,
        frequencyPenalty,
        presencePenalty,
      },
    }),
    ...((sampling.logitBias.length > 0 || bansEnd !== undefined) && {
      tokenBias: () => tokenBias(model, sampling.logitBias, bansEnd?.() === true),
    }),
  };
}

/**
 * The library refuses to bias end-of-generation tokens, which OpenAI's logit_bias may name and which
 * `ignore_eos` must ban: they go into its table directly.
 */
function tokenBias(
  model: LlamaModel,
  biases: readonly (readonly [number, number])[],
  banEnd: boolean,
): TokenBias {
  const bias = TokenBias.for(model);
  const { _biases: table } = bias as unknown as { _biases: Map<number, number> };
  for (const [token, logit] of biases) table.set(token, logit);
  if (banEnd) {
    for (const token of endTokens(model)) table.set(token, Number.NEGATIVE_INFINITY);
  }
  return bias;
}

const endTokensOfModel = new WeakMap<LlamaModel, readonly number[]>();

function endTokens(model: LlamaModel): readonly number[] {
  const known = endTokensOfModel.get(model);
  if (known !== undefined) return known;
  const size = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
  const tokens = Array.from({ length: size }, (_, token) => token).filter((token) =>
    model.isEogToken(token as Token),
  );
  endTokensOfModel.set(model, tokens);
  return tokens;
}

export type Embedder = {
  /** Tokens that will be evaluated: those of the input, and the beginning and end the model wants. */
  evaluatedTokens(input: readonly number[]): number;
  /** The pooled vector, as long as the model makes it. */
  embed(input: readonly number[]): Promise<readonly number[]>;
};

export async function createEmbedder(
  model: LlamaModel,
  options: { readonly contextTokens: number; readonly threads: number },
): Promise<Embedder> {
  // Encoders see the whole input at once, and the library wants one token of room.
  const contextSize = options.contextTokens + 1;
  const context = await orDoesNotFit(`a context of ${options.contextTokens} tokens`, () =>
    model.createEmbeddingContext({ contextSize, batchSize: contextSize, threads: options.threads }),
  );
  return {
    evaluatedTokens: (input) => context.calculateInputLength([...input] as Token[]),
    embed: async (input) => (await context.getEmbeddingFor([...input] as Token[])).vector,
  };
}

async function orDoesNotFit<Result>(what: string, create: () => Promise<Result>): Promise<Result> {
  try {
    return await create();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof InsufficientMemoryError || /memory|VRAM|allocat/iu.test(message)) {
      throw new DoesNotFitError(`This machine has not enough memory for ${what}: ${message}`);
    }
    // The library says no more than "Failed to load model".
    throw new Error(
      `llama.cpp could not make ${what}: ${message}. The file may be incomplete, or of an architecture ` +
        `that this version does not know`,
      { cause: error },
    );
  }
}
