/**
 * Loading weights, and what is then known about them, as plain data and functions: nothing outside this folder touches
 * llama.cpp.
 */
import { llama_token_attr } from "@localmodel/llama/generated/constants.ts";
import { loadModel, type Model } from "@localmodel/llama/model.ts";
import type { ModelOptions } from "@localmodel/llama/model-options.ts";
import type { Reservation } from "@localmodel/llama/logs/log-lines.ts";
import type { Vocabulary as LlamaVocabulary } from "@localmodel/llama/vocabulary.ts";
import type { Metadata } from "@localmodel/weights/gguf/metadata.ts";
import type { Tokenizer } from "../prompt/prompt.ts";
import type { VocabularySource } from "../text/vocabulary.ts";
import type { LlamaLibrary } from "./library.ts";
import { orDoesNotFit } from "./memory-failure.ts";

export type MemoryBytes = { readonly ram: number; readonly vram: number };

export function loadWeights(
  library: LlamaLibrary,
  options: ModelOptions & { readonly onProgress: (progress: number) => void },
): Promise<Model> {
  const { onProgress, ...modelOptions } = options;
  return orDoesNotFit(
    library,
    `the weights of ${options.path}`,
    () => loadModel(library.llama, modelOptions, { onProgress }),
    ". The file may be incomplete, or of an architecture that this version does not know",
  );
}

export type ModelDescription = {
  readonly metadata: Metadata;
  readonly vocabulary: VocabularySource;
  readonly tokenizer: Omit<Tokenizer, "template" | "longestTokenBytes">;
  readonly tokenizerTexts: { readonly bosText: string; readonly eosText: string };
  readonly chatTemplate: string | undefined;
  /** Tokens that end an answer. */
  readonly ends: ReadonlySet<number>;
  readonly parameters: number;
  readonly quantization: string;
  readonly tensorBytes: number;
  readonly trainContextTokens: number;
  readonly embeddingDimensions: number;
  readonly memoryBytes: MemoryBytes;
  /** Release of llama.cpp, and what it runs on. */
  readonly engine: string;
};

/** `metadata`: of the file's header, which has the lists that llama.cpp does not tell. */
export function describeModel(model: Model, metadata: Metadata): ModelDescription {
  const { shape, vocabulary, llama } = model;
  const { bos, eos } = vocabulary.special;
  const textOf = (token: number | undefined) => (token === undefined ? "" : vocabulary.text(token));
  const ends = endsOf(vocabulary);
  const source = sourceOf(vocabulary, ends);
  return {
    metadata,
    vocabulary: source,
    tokenizer: tokenizerOf(vocabulary),
    tokenizerTexts: { bosText: textOf(bos), eosText: textOf(eos) },
    chatTemplate: model.chatTemplate(),
    ends,
    parameters: shape.parameters,
    // "llama 135M Q4_1": what follows the architecture and the size.
    quantization: model.description.split(" ").slice(2).join(" "),
    tensorBytes: shape.tensorBytes,
    trainContextTokens: shape.trainContextTokens,
    embeddingDimensions: shape.outputDimensions,
    memoryBytes: memoryOf(model.reservations),
    engine: `${llama.release} ${llama.gpu === false ? "cpu" : llama.gpu}`,
  };
}

/** As `tokenizer.ggml.model` has them, where llama.cpp has another name. */
const KINDS = new Map([
  ["bpe", "gpt2"],
  ["spm", "llama"],
  ["wpm", "bert"],
  ["ugm", "t5"],
]);

function endsOf(vocabulary: LlamaVocabulary): ReadonlySet<number> {
  const tokens = Array.from({ length: vocabulary.size }, (_, token) => token);
  return new Set(tokens.filter((token) => vocabulary.isEnd(token)));
}

function sourceOf(vocabulary: LlamaVocabulary, ends: ReadonlySet<number>): VocabularySource {
  const tokens = Array.from({ length: vocabulary.size }, (_, token) => token);
  return {
    kind: KINDS.get(vocabulary.kind) ?? vocabulary.kind,
    texts: tokens.map((token) => vocabulary.text(token)),
    types: tokens.map((token) => typeOf(vocabulary.attributeBits(token))),
    isEnd: (token) => ends.has(token),
  };
}

/** As `tokenizer.ggml.token_type` has them. */
const TYPES = [
  [llama_token_attr.UNKNOWN, 2],
  [llama_token_attr.CONTROL, 3],
  [llama_token_attr.USER_DEFINED, 4],
  [llama_token_attr.UNUSED, 5],
  [llama_token_attr.BYTE, 6],
] as const;
const NORMAL = 1;

function typeOf(bits: number): number {
  return TYPES.find(([bit]) => (bits & bit) !== 0)?.[1] ?? NORMAL;
}

function tokenizerOf(vocabulary: LlamaVocabulary): ModelDescription["tokenizer"] {
  const { bos, eos, fimPrefix, fimMiddle, fimSuffix } = vocabulary.special;
  const infills = fimPrefix !== undefined && fimMiddle !== undefined && fimSuffix !== undefined;
  return {
    tokenize: (text, control) => [...vocabulary.tokenize(text, { whole: false, control })],
    bos,
    eos,
    wantsBos: bos !== undefined && vocabulary.adds.bos,
    infill: infills ? { prefix: fimPrefix, middle: fimMiddle, suffix: fimSuffix } : undefined,
    cutsAtSpaces: vocabulary.kind === "bpe",
  };
}

/** Whose memory a buffer is in: ggml's CPU backends, and what other backends keep in the machine's memory. */
const IN_RAM = /^(?:CPU|AMX|BLAS)|_Host$/u;

export function memoryOf(reservations: readonly Reservation[]): MemoryBytes {
  const sum = (inRam: boolean): number =>
    reservations
      .filter(({ buffer }) => IN_RAM.test(buffer) === inRam)
      .reduce((total, { bytes }) => total + bytes, 0);
  return { ram: sum(true), vram: sum(false) };
}
