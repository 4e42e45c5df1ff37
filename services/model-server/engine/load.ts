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
import type { ThreadCounts } from "./thread-counts.ts";
import { allowedCpus, availableBytes, usableThreads } from "./machine/cgroup.ts";
import { Constraints } from "./constraint/constraints.ts";
import { GrammarThread } from "./constraint/grammar-thread.ts";
import {
  architectureOf,
  capabilitiesOf,
  pooledCapability,
} from "@localmodel/weights/gguf/capabilities.ts";
import { type Chat, loadChat } from "./load-chat.ts";
import { createContexts } from "./load-contexts.ts";
import { fingerprintOf, samplingOf } from "./model/facts.ts";
import { besideBytes, modelFilesOf } from "./model/model-files.ts";
import { openStateFiles } from "./kept/open-state-files.ts";
import type { StateFiles } from "./kept/state-files.ts";
import type { Drafter } from "./stepping/drafter.ts";
import type { Embedder } from "./stepping/embedding-queue.ts";
import { freeGpuBytes, type LlamaLibrary, type LlamaLog, openLibrary } from "./llama/library.ts";
import type { GenerationContext } from "./llama/context.ts";
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
  const pictures = await picturesOf(library, model, config, { ...report, threads: threads.prompt });
  const weightsBytes = description.tensorBytes + projectorBytes + draftBytes;
  const contextTokens = chosenContext(config, library, { ...description, weightsBytes });
  const settings = { ...engine, contextTokens, threads: threads.answer, adapters };
  const stepThreads = new StepThreads(threads, { adapts: gpu === false, cores: allowedCpus() });
  const embeds = pooledCapability(metadata) !== undefined;
  if (!embeds && gpu === false) {
    const memory = { availableBytes: availableBytes(), weightsBytes };
    assertFits(metadata, settings, memory);
  }
  const options = { ...settings, threads: stepThreads, embeds };
  // llama.cpp clears the memory of a context, gigabytes often, for as long as everything beside it takes.
  const [{ context, embedder, draft }, { vocabulary, chat }] = await Promise.all([
    createContexts(library, model, config, options),
    loadTexts(description, embeds, report.log),
  ]);
  const reader = pictures?.readerOf(contextTokens);
  const tokenizer = tokenizerOf(description, { vocabulary, chat, pictures: reader });
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
      capabilities: capabilitiesOf(metadata, {
        infill: tokenizer.infill !== undefined,
        chatTemplate: chat.template !== undefined,
        ...sensesOf(pictures),
      }),
      ...hearingOf(pictures),
      ...chat.facts,
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

type Texts = { readonly vocabulary: Vocabulary; readonly chat: Chat };

async function loadTexts(
  description: ModelDescription,
  embeds: boolean,
  log: LlamaLog,
): Promise<Texts> {
  const vocabulary = new Vocabulary(description.vocabulary);
  const chat = embeds ? { facts: {} } : await loadChat(description, vocabulary, log);
  return { vocabulary, chat };
}

function tokenizerOf(
  { tokenizer }: ModelDescription,
  { vocabulary, chat, pictures }: Texts & Pick<Tokenizer, "pictures">,
): Tokenizer {
  const { longestTokenBytes, joinsWords } = vocabulary;
  return { ...tokenizer, template: chat.template, longestTokenBytes, joinsWords, pictures };
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
