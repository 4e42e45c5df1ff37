/**
 * From a configuration to a running engine: weights, contexts, tokenizer, facts.
 *
 * The order matters to the reader of a failure: what is wrong with the file is found before any memory
 * is claimed for it.
 */
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import { contextTokensOf } from "@localmodel/localmodel/contracts/memory-estimate.ts";
import type { ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";
import type { Model } from "@localmodel/llama/model.ts";
import { toolSyntaxOf } from "@localmodel/tools/derive/tool-syntax.ts";
import type { ThreadCounts } from "./thread-counts.ts";
import { allowedCpus, availableBytes, usableThreads } from "./machine/cgroup.ts";
import { Constraints } from "./constraint/constraints.ts";
import { GrammarThread } from "./constraint/grammar-thread.ts";
import { CHATML } from "./prompt/chat-template.ts";
import { TemplateThread } from "./prompt/template-thread.ts";
import { architectureOf, capabilitiesOf } from "@localmodel/weights/gguf/capabilities.ts";
import { fingerprintOf, samplingOf } from "./model/facts.ts";
import { besideBytes, modelFilesOf } from "./model/model-files.ts";
import { openStateFiles } from "./kept/open-state-files.ts";
import type { StateFiles } from "./kept/state-files.ts";
import { createEmbedder } from "./llama/embedder.ts";
import type { Drafter } from "./stepping/drafter.ts";
import type { Embedder } from "./stepping/embedding-queue.ts";
import { freeGpuBytes, type LlamaLibrary, type LlamaLog, openLibrary } from "./llama/library.ts";
import {
  type ContextOptions,
  createGenerationContext,
  type GenerationContext,
} from "./llama/context.ts";
import { type DraftModel, loadDraftModel } from "./llama/draft-model.ts";
import { loadOnDevices } from "./llama/on-devices.ts";
import { loadPictures, type Pictures } from "./llama/pictures.ts";
import { describeModel, type MemoryBytes, type ModelDescription } from "./llama/model.ts";
import { lookWatch } from "./look-watch.ts";
import { StepThreads } from "./llama/step-threads.ts";
import { defaultDraftTokens } from "./machine/draft-tokens.ts";
import { defaultContextTokens } from "./machine/default-context.ts";
import { assertFits } from "./machine/memory.ts";
import { promptCacheBytes } from "./machine/prompt-cache.ts";
import type { Tokenizer } from "./prompt/prompt.ts";
import { Vocabulary, type VocabularySource } from "./text/vocabulary.ts";

export type LoadedEngine = {
  readonly facts: ModelFacts;
  readonly tokenizer: Tokenizer;
  readonly vocabulary: Vocabulary;
  /** Tokens that end an answer. */
  readonly ends: ReadonlySet<number>;
  readonly constraints: Constraints;
  /** Undefined where the model does not generate. `files`: where states of slots outlive the process. */
  readonly generation:
    | { readonly context: GenerationContext; readonly files: StateFiles | undefined }
    | undefined;
  /** Those that clients choose, by their ids: what tells one from another. */
  readonly adapters: ReadonlyMap<string, string>;
  readonly embedder: Embedder | undefined;
  /** What states of beginnings that no slot holds may take. */
  readonly keptStatesBytes: number;
  /** Tokens that each slot guesses at a time, at most. */
  readonly draftTokens: number;
  /** What guesses for the slots. */
  readonly drafter: Drafter | undefined;
  /** Of the next step. */
  readonly threads: () => ThreadCounts;
  /** A server unloads by exiting; this is for those who load many models in one process. */
  readonly unload: () => void;
};

type Report = {
  readonly progress: (progress: number) => void;
  readonly log: LlamaLog;
  /** Told of a picture or a sound that does not end. */
  readonly onStuck: (message: string) => void;
};

export async function loadEngine(config: ServerConfig, report: Report): Promise<LoadedEngine> {
  const { engine, adapters } = config;
  const files = await modelFilesOf(config);
  const { metadata, sizeBytes, projectorBytes, draftBytes } = files;
  const threads = threadsOf(config);
  const library = await openLibrary(engine, report.log);
  const { gpu } = library.llama;
  const onProgress = report.progress;
  const weights = { metadata, sizeBytes, besideBytes: besideBytes(files), onProgress };
  const { model, ...deviceFacts } = await loadOnDevices(library, config, weights);
  const description = describeModel(model, metadata);
  const vocabulary = new Vocabulary(description.vocabulary);
  const chat = await chatOf(description, vocabulary, report.log);
  const { template } = chat;
  const pictures = await picturesOf(library, model, config, { ...report, threads: threads.prompt });
  const capabilities = capabilitiesOf(metadata, {
    infill: description.tokenizer.infill !== undefined,
    chatTemplate: template !== undefined,
    ...sensesOf(pictures),
  });
  const weightsBytes = description.tensorBytes + projectorBytes + draftBytes;
  const contextTokens = chosenContext(config, library, { ...description, weightsBytes });
  const { longestTokenBytes, joinsWords } = vocabulary;
  const reader = pictures?.readerOf(contextTokens);
  const shared = { template, longestTokenBytes, joinsWords, pictures: reader };
  const tokenizer = { ...description.tokenizer, ...shared };
  const settings = { ...engine, contextTokens, threads: threads.answer, adapters };
  const stepThreads = new StepThreads(threads, { adapts: gpu === false, cores: allowedCpus() });
  const embeds = capabilities.includes("embeddings") || capabilities.includes("rerank");
  if (!embeds && gpu === false) {
    const memory = { availableBytes: availableBytes(), weightsBytes };
    assertFits(metadata, settings, memory);
  }
  const options = { ...settings, threads: stepThreads, embeds };
  const { context, embedder, draft } = await createContexts(library, model, config, options);
  const fingerprint = { engine: description.engine, settings, projectorBytes };
  const kept = { engine: description.engine, contextTokens, projectorBytes, log: report.log };
  const parts = [description, context, embedder, pictures];
  return {
    facts: {
      ...factsOf(description),
      ...deviceFacts,
      memoryBytes: sumOf([...parts, ...(draft?.parts ?? [])].map((part) => part?.memoryBytes)),
      sizeBytes,
      slots: embeds ? 1 : engine.slots,
      contextTokens,
      capabilities,
      ...hearingOf(pictures),
      ...(!embeds && chat.facts),
      fingerprint: await fingerprintOf(config.weightsPath, fingerprint),
    },
    tokenizer,
    vocabulary,
    ends: description.ends,
    constraints: constraintsOf(description, vocabulary, tokenizer),
    generation: context && { context, files: await openStateFiles(config, kept) },
    adapters: await chosenAdapters(config),
    embedder,
    draftTokens: draftTokensOf(config, description, library),
    drafter: draft?.drafter,
    threads: () => stepThreads.counts,
    keptStatesBytes: promptCacheBytes(config, availableBytes()),
    unload: () => [draft?.model, model].forEach((loaded) => loaded?.[Symbol.dispose]()),
  };
}

async function chosenAdapters({ adapters }: ServerConfig): Promise<ReadonlyMap<string, string>> {
  const chosen = adapters.flatMap(({ id, path, scale }) =>
    id === undefined ? [] : { id, path, scale },
  );
  const told = chosen.map(
    async ({ id, path, scale }) => [id, await fingerprintOf(path, { scale })] as const,
  );
  return new Map(await Promise.all(told));
}

function constraintsOf(
  { vocabulary: source }: { readonly vocabulary: VocabularySource },
  vocabulary: Vocabulary,
  tokenizer: Tokenizer,
): Constraints {
  const thread = new GrammarThread(source);
  return new Constraints(thread, vocabulary, (text, control) => tokenizer.tokenize(text, control));
}

function threadsOf({ engine, sparedThreads }: ServerConfig): ThreadCounts {
  const answer = engine.threads ?? Math.max(1, usableThreads() - sparedThreads);
  return { prompt: engine.promptThreads ?? answer, answer };
}

/** What looks at pictures and hears sounds, where the model has it. */
async function picturesOf(
  library: LlamaLibrary,
  model: Model,
  { projectorPath: path, engine }: ServerConfig,
  { threads, log, onStuck }: Omit<Report, "progress"> & { readonly threads: number },
): Promise<Pictures | undefined> {
  if (path === undefined) return undefined;
  const batchTokens = Math.max(engine.batchTokens, engine.slots);
  const { imageMaxTokens } = engine;
  const watched = lookWatch(onStuck);
  return loadPictures(library, model, { path, threads, batchTokens, imageMaxTokens, watched, log });
}

function sensesOf(pictures: Pictures | undefined) {
  return { vision: pictures?.sees === true, audio: pictures?.audioSampleRate !== undefined };
}

function hearingOf(pictures: Pictures | undefined): Pick<ModelFacts, "audioSampleRate"> {
  const { audioSampleRate } = pictures ?? {};
  return audioSampleRate === undefined ? {} : { audioSampleRate };
}

function chosenContext(
  config: ServerConfig,
  library: LlamaLibrary,
  {
    metadata,
    trainContextTokens,
    weightsBytes,
  }: ModelDescription & { readonly weightsBytes: number },
): number {
  const { engine } = config;
  if (engine.contextTokens !== undefined || !config.contextFromMemory) {
    return contextTokensOf(engine, { architecture: architectureOf(metadata), trainContextTokens });
  }
  const freeBytes =
    // What the weights leave: they are on the GPU already, and on the CPU they come as they are read.
    library.llama.gpu === false
      ? Math.max(0, availableBytes() - weightsBytes)
      : freeGpuBytes(library, engine);
  return defaultContextTokens(metadata, trainContextTokens, engine, freeBytes);
}

type FactsOfTheFile = Omit<
  ModelFacts,
  "slots" | "contextTokens" | "capabilities" | "fingerprint" | "sizeBytes" | "memoryBytes"
>;

function factsOf({ metadata, ...description }: ModelDescription): FactsOfTheFile {
  return {
    architecture: architectureOf(metadata),
    parameters: description.parameters,
    quantization: description.quantization,
    trainContextTokens: description.trainContextTokens,
    vocabularyTokens: description.vocabulary.texts.length,
    embeddingDimensions: description.embeddingDimensions,
    sampling: samplingOf(metadata),
  };
}

function sumOf(all: readonly (MemoryBytes | undefined)[]): MemoryBytes {
  return {
    ram: all.reduce((sum, bytes) => sum + (bytes?.ram ?? 0), 0),
    vram: all.reduce((sum, bytes) => sum + (bytes?.vram ?? 0), 0),
  };
}

function draftTokensOf(
  { engine }: ServerConfig,
  { quantization }: ModelDescription,
  { llama }: LlamaLibrary,
): number {
  return engine.draftTokens ?? defaultDraftTokens(quantization, llama.gpu !== false);
}

type Contexts = {
  readonly context: GenerationContext | undefined;
  readonly embedder: Embedder | undefined;
  readonly draft: DraftModel | undefined;
};

async function createContexts(
  library: LlamaLibrary,
  model: Model,
  config: ServerConfig,
  { embeds, ...options }: ContextOptions & { readonly embeds: boolean },
): Promise<Contexts> {
  if (embeds) {
    const embedder = await createEmbedder(library, model, options);
    return { context: undefined, embedder, draft: undefined };
  }
  const context = await createGenerationContext(library, model, options);
  const draft = await draftModelOf(library, model, config, options);
  return { context, embedder: undefined, draft };
}

async function draftModelOf(
  library: LlamaLibrary,
  model: Model,
  { draftPath }: ServerConfig,
  options: Omit<ContextOptions, "adapters">,
): Promise<DraftModel | undefined> {
  if (draftPath === undefined) return undefined;
  return loadDraftModel(library, model, draftPath, options);
}

type Chat = {
  readonly template?: TemplateThread;
  readonly facts: Pick<ModelFacts, "template" | "toolSyntax" | "chatProblem">;
};

async function chatOf(
  { chatTemplate, tokenizerTexts }: ModelDescription,
  vocabulary: Vocabulary,
  log: LlamaLog,
): Promise<Chat> {
  if (chatTemplate === undefined) log("warn", "The model file has no chat template: using ChatML");
  const { controlTexts, endTexts, markerTexts } = vocabulary;
  const source = chatTemplate ?? CHATML;
  try {
    const tokens = { ...tokenizerTexts, controlTexts, endTexts, markerTexts };
    const template = new TemplateThread(source, tokens);
    const { facts, writtenProbes } = await template.probed();
    const toolSyntax = toolSyntaxOf(source, writtenProbes);
    return { template, facts: { template: facts, toolSyntax } };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log("warn", `The model will not chat: ${reason}`);
    return { facts: { chatProblem: reason.slice(0, 1000) } };
  }
}
