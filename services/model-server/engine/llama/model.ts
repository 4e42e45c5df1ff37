/**
 * Loading weights with node-llama-cpp, and what it then knows about them.
 *
 * Nothing outside this folder touches the library. Its chat classes are made for one user; a server drives
 * context sequences itself. What that relies on beyond the documented API is guarded by scheduler.test.ts:
 * the pinned version may only change together with a green run of it.
 */
import { getLlama, type Llama, LlamaLogLevel, type LlamaModel, type Token } from "node-llama-cpp";
import type { Metadata } from "../model/facts.ts";
import type { Tokenizer } from "../prompt/prompt.ts";
import type { VocabularySource } from "../text/vocabulary.ts";
import { orDoesNotFit } from "./memory-failure.ts";

export type { Llama } from "node-llama-cpp";

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
  return orDoesNotFit(
    `the weights of ${options.path}`,
    () =>
      llama.loadModel({
        modelPath: options.path,
        gpuLayers: options.gpuLayers ?? { fitContext: { contextSize: options.contextTokens } },
        onLoadProgress: options.onProgress,
      }),
    ". The file may be incomplete, or of an architecture that this version does not know",
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
  readonly tensorBytes: number;
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
    tensorBytes: model.size,
    trainContextTokens: model.trainContextSize,
    embeddingDimensions: model.embeddingVectorSize,
    memoryBytes: model.memoryUsage,
    engine: `${llama.llamaCppRelease.release} ${llama.gpu === false ? "cpu" : llama.gpu}`,
  };
}
