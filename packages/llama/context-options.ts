/** How a context is made, in llama.cpp's structure. What is left out stays as llama.cpp has it. */
import {
  ggml_type,
  llama_attention_type,
  llama_flash_attn_type,
  llama_pooling_type,
  llama_rope_scaling_type,
} from "./generated/constants.ts";
import type { llama_context_params } from "./generated/structures.ts";

type CacheType = Lowercase<keyof typeof ggml_type>;
export type Pooling = Lowercase<keyof typeof llama_pooling_type>;

type RopeOptions = {
  readonly scaling?: Lowercase<Exclude<keyof typeof llama_rope_scaling_type, "MAX_VALUE">>;
  readonly frequencyBase?: number;
  readonly frequencyScale?: number;
  readonly yarnExtFactor?: number;
  readonly yarnAttnFactor?: number;
  readonly yarnBetaFast?: number;
  readonly yarnBetaSlow?: number;
  readonly yarnOriginalTokens?: number;
};

export type ContextOptions = {
  /** Over all sequences. llama.cpp may make it longer, to a multiple of 256 for each. */
  readonly contextTokens: number;
  /** How many sequences it keeps apart. Default 1. */
  readonly sequences?: number;
  /** Tokens that one call evaluates at most. */
  readonly batchTokens?: number;
  /** Tokens that are computed at once: a larger batch is cut. */
  readonly microBatchTokens?: number;
  readonly threads?: number;
  /** For more than one token a sequence. Default: as many as `threads`. */
  readonly batchThreads?: number;
  /** That the process may run on, by their numbers: with as many threads each has its own. Default: none has. */
  readonly cores?: readonly number[];
  readonly flashAttention?: Lowercase<keyof typeof llama_flash_attn_type>;
  readonly keyType?: CacheType;
  readonly valueType?: CacheType;
  readonly rope?: RopeOptions;
  /** One cache for all sequences: any of them may fill it, and they may share a beginning. */
  readonly unifiedCache?: boolean;
  /** Keeps all tokens of layers that attend to a window, so that sequences can be cut anywhere. */
  readonly fullWindowCache?: boolean;
  /** Vectors instead of what is likely next. */
  readonly embeddings?: boolean;
  readonly pooling?: Pooling;
  readonly attention?: Lowercase<keyof typeof llama_attention_type>;
  readonly cacheOnGpu?: boolean;
  readonly operationsOnGpu?: boolean;
  /** Earlier states kept of each recurrent sequence, to go back to. */
  readonly recurrentSnapshots?: number;
  /** Outputs of one batch at most. */
  readonly outputs?: number;
  /** Measures what `performance` tells. */
  readonly measures?: boolean;
};

export function contextParams(
  params: llama_context_params,
  options: ContextOptions,
): llama_context_params {
  const threads = options.threads ?? params.n_threads;
  return {
    ...params,
    ...sizes(params, options),
    ...kinds(params, options),
    ...ropeNumbers(params, options.rope ?? {}),
    n_threads: threads,
    n_threads_batch: options.batchThreads ?? threads,
    kv_unified: options.unifiedCache ?? params.kv_unified,
    swa_full: options.fullWindowCache ?? params.swa_full,
    embeddings: options.embeddings ?? params.embeddings,
    offload_kqv: options.cacheOnGpu ?? params.offload_kqv,
    op_offload: options.operationsOnGpu ?? params.op_offload,
    no_perf: !(options.measures ?? !params.no_perf),
  };
}

function kinds(params: llama_context_params, options: ContextOptions) {
  return {
    flash_attn_type: valueOf(llama_flash_attn_type, options.flashAttention, params.flash_attn_type),
    type_k: valueOf(ggml_type, options.keyType, params.type_k),
    type_v: valueOf(ggml_type, options.valueType, params.type_v),
    pooling_type: valueOf(llama_pooling_type, options.pooling, params.pooling_type),
    attention_type: valueOf(llama_attention_type, options.attention, params.attention_type),
    rope_scaling_type: valueOf(
      llama_rope_scaling_type,
      options.rope?.scaling,
      params.rope_scaling_type,
    ),
  };
}

/** llama.cpp's names are in capitals, but for some of ggml's types. */
function valueOf(
  values: Readonly<Record<string, number>>,
  name: string | undefined,
  otherwise: number,
): number {
  if (name === undefined) return otherwise;
  const found = Object.entries(values).find(([key]) => key.toLowerCase() === name);
  if (found === undefined) throw new RangeError(`llama.cpp has no ${name} here`);
  return found[1];
}

function sizes(params: llama_context_params, options: ContextOptions) {
  const { contextTokens, sequences = params.n_seq_max } = options;
  const asked = {
    n_ctx: contextTokens,
    n_batch: options.batchTokens ?? params.n_batch,
    n_ubatch: options.microBatchTokens ?? params.n_ubatch,
  };
  return {
    ...(options.embeddings === true ? divisible(asked, sequences) : asked),
    n_seq_max: sequences,
    n_rs_seq: options.recurrentSnapshots ?? params.n_rs_seq,
    n_outputs_max: options.outputs ?? params.n_outputs_max,
  };
}

type Sizes = Pick<llama_context_params, "n_ctx" | "n_batch" | "n_ubatch">;

/** llama.cpp ends the process over mean pooling when a micro-batch cannot be dealt out evenly to all sequences. */
function divisible({ n_ctx, n_batch, n_ubatch }: Sizes, sequences: number): Sizes {
  const tokens = Math.ceil(Math.min(n_ubatch, n_ctx) / sequences) * sequences;
  return { n_ctx: Math.max(n_ctx, tokens), n_batch: Math.max(n_batch, tokens), n_ubatch: tokens };
}

function ropeNumbers(params: llama_context_params, rope: RopeOptions) {
  return {
    rope_freq_base: rope.frequencyBase ?? params.rope_freq_base,
    rope_freq_scale: rope.frequencyScale ?? params.rope_freq_scale,
    yarn_ext_factor: rope.yarnExtFactor ?? params.yarn_ext_factor,
    yarn_attn_factor: rope.yarnAttnFactor ?? params.yarn_attn_factor,
    yarn_beta_fast: rope.yarnBetaFast ?? params.yarn_beta_fast,
    yarn_beta_slow: rope.yarnBetaSlow ?? params.yarn_beta_slow,
    yarn_orig_ctx: rope.yarnOriginalTokens ?? params.yarn_orig_ctx,
  };
}
