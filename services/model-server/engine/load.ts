/**
 * From a configuration to a running engine: weights, contexts, tokenizer, facts.
 *
 * The order matters to the reader of a failure: what is wrong with the file is found before any memory
 * is claimed for it.
 */
import { open, stat } from "node:fs/promises";
import { basename } from "node:path";
import { contextsOf } from "@localmodel/localmodel/resource/adapters.ts";
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import {
  contextTokensOf,
  DEFAULT_CONTEXT_TOKENS,
} from "@localmodel/localmodel/contracts/memory-estimate.ts";
import type { ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";
import { requireGguf } from "@localmodel/weights/gguf/gguf-check.ts";
import { parseSplitName, withPart } from "@localmodel/weights/gguf/split-names.ts";
import { WeightsError } from "@localmodel/weights/source/weights-error.ts";
import { availableBytes, usableThreads } from "./machine/cgroup.ts";
import { CHATML } from "./prompt/chat-template.ts";
import { TemplateThread } from "./prompt/template-thread.ts";
import { architectureOf, capabilitiesOf, fingerprintOf, samplingOf } from "./model/facts.ts";
import { createEmbedder } from "./llama/embedder.ts";
import type { Embedder } from "./stepping/embedding-queue.ts";
import { createGenerations, type Generating } from "./llama/generations.ts";
import {
  describeModel,
  type Llama,
  type LlamaLog,
  loadModel,
  type ModelDescription,
  startLlama,
} from "./llama/model.ts";
import { NotAGgufError } from "./model/load-error.ts";
import { defaultContextTokens } from "./machine/default-context.ts";
import { assertFits } from "./machine/memory.ts";
import type { Tokenizer } from "./prompt/prompt.ts";
import { Vocabulary } from "./text/vocabulary.ts";

export type LoadedEngine = {
  readonly facts: ModelFacts;
  readonly tokenizer: Tokenizer;
  readonly vocabulary: Vocabulary;
  readonly isEnd: (token: number) => boolean;
  /** The model's own first, then one for each adapter that clients choose; none if it does not generate. */
  readonly generations: readonly Generating[];
  readonly embedder: Embedder | undefined;
  /** A server unloads by exiting; this is for those who load many models in one process. */
  readonly unload: () => Promise<void>;
};

export async function loadEngine(
  config: ServerConfig,
  report: { readonly progress: (progress: number) => void; readonly log: LlamaLog },
): Promise<LoadedEngine> {
  const { engine, adapters } = config;
  for (const path of [config.weightsPath, ...adapters.map((one) => one.path)]) {
    await assertGguf(path);
  }
  const contexts = contextsOf(config);
  const threads = engine.threads ?? Math.max(1, usableThreads() - config.sparedThreads);
  const llama = await startLlama({ gpu: engine.gpuLayers !== 0, threads, log: report.log });
  const model = await loadModel(llama, {
    path: config.weightsPath,
    gpuLayers: engine.gpuLayers,
    contextTokens: (engine.contextTokens ?? DEFAULT_CONTEXT_TOKENS) * engine.slots * contexts,
    onProgress: report.progress,
  });
  const description = describeModel(llama, model);
  const { isEnd } = description;
  const vocabulary = new Vocabulary({ ...description.vocabulary, isEnd });
  const template = templateOf(description, vocabulary, report.log);
  const { longestTokenBytes, joinsWords } = vocabulary;
  const tokenizer = { ...description.tokenizer, template, longestTokenBytes, joinsWords };
  const capabilities = capabilitiesOf(description.metadata, {
    infill: description.tokenizer.infill !== undefined,
    chatTemplate: template !== undefined,
  });
  const contextTokens = await chosenContext(config, llama, description);
  const settings = { ...engine, contextTokens, threads, adapters };
  const embeds = capabilities.includes("embeddings");
  if (!embeds && llama.gpu === false) {
    const weightsBytes = description.tensorBytes;
    const memory = { availableBytes: availableBytes(), weightsBytes };
    assertFits(description.metadata, { ...settings, contexts }, memory);
  }
  const generations = embeds ? [] : await createGenerations(model, config, settings);
  const embedder = embeds ? await createEmbedder(model, settings) : undefined;
  const fingerprint = { engine: description.engine, settings };
  return {
    facts: {
      ...factsOf(description, generations),
      sizeBytes: await fileBytes(config.weightsPath),
      slots: embeds ? 1 : engine.slots,
      contextTokens,
      capabilities,
      fingerprint: await fingerprintOf(config.weightsPath, fingerprint),
    },
    tokenizer,
    vocabulary,
    isEnd: description.isEnd,
    generations,
    embedder,
    unload: () => llama.dispose(),
  };
}

async function chosenContext(
  config: ServerConfig,
  llama: Llama,
  { metadata, trainContextTokens, tensorBytes }: ModelDescription,
): Promise<number> {
  const { engine } = config;
  if (engine.contextTokens !== undefined || !config.contextFromMemory) {
    return contextTokensOf(engine, trainContextTokens);
  }
  const size = { ...engine, contexts: contextsOf(config) };
  return defaultContextTokens(
    metadata,
    trainContextTokens,
    size,
    await freeBytes(llama, tensorBytes),
  );
}

/** What the weights leave: they are on the GPU already, and on the CPU they come as they are read. */
async function freeBytes(llama: Llama, tensorBytes: number): Promise<number> {
  if (llama.gpu === false) return Math.max(0, availableBytes() - tensorBytes);
  return (await llama.getVramState()).free;
}

type FactsOfTheFile = Omit<
  ModelFacts,
  "slots" | "contextTokens" | "capabilities" | "fingerprint" | "sizeBytes"
>;

function factsOf(
  { metadata, memoryBytes, ...description }: ModelDescription,
  generations: readonly Generating[],
): FactsOfTheFile {
  const bytes = [memoryBytes, ...generations.map(({ context }) => context.memoryBytes)];
  return {
    architecture: architectureOf(metadata),
    parameters: description.parameters,
    quantization: description.quantization,
    trainContextTokens: description.trainContextTokens,
    vocabularyTokens: description.vocabulary.texts.length,
    embeddingDimensions: description.embeddingDimensions,
    memoryBytes: {
      ram: bytes.reduce((sum, { ram }) => sum + ram, 0),
      vram: bytes.reduce((sum, { vram }) => sum + vram, 0),
    },
    sampling: samplingOf(metadata),
  };
}

/** Of all parts: what was downloaded, headers included. */
async function fileBytes(weightsPath: string): Promise<number> {
  const { parts = 1 } = parseSplitName(weightsPath) ?? {};
  const paths = Array.from({ length: parts }, (_, index) => withPart(weightsPath, index + 1));
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
  return sizes.reduce((total, size) => total + size, 0);
}

/** llama.cpp answers any unreadable file with one sentence for all; the usual mistakes deserve more. */
async function assertGguf(path: string): Promise<void> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
    const head = buffer.subarray(0, bytesRead);
    if (head.subarray(0, 4).toString("latin1") === "GGUF") return await assertPossible(path);
    const shown = JSON.stringify(head.subarray(0, 24).toString("latin1"));
    throw new NotAGgufError(`${path} is not a GGUF file: it begins with ${shown}`);
  } finally {
    await file.close();
  }
}

/** Whoever fetched the file has looked already; a file that was put here has met nobody. */
async function assertPossible(path: string): Promise<void> {
  try {
    await requireGguf(path, basename(path));
  } catch (error) {
    // What is incomplete or misnamed, llama.cpp says itself.
    if (!(error instanceof WeightsError) || error.reason !== "NotAGguf") return;
    throw new NotAGgufError(`${path} is ${error.message}`);
  }
}

function templateOf(
  { chatTemplate, tokenizerTexts }: ModelDescription,
  vocabulary: Vocabulary,
  log: LlamaLog,
): TemplateThread | undefined {
  try {
    if (chatTemplate === undefined)
      log("warn", "The model file has no chat template: using ChatML");
    const { controlTexts, markerTexts } = vocabulary;
    const tokens = { ...tokenizerTexts, controlTexts, markerTexts };
    return new TemplateThread(chatTemplate ?? CHATML, tokens);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log("warn", `The model's chat template cannot be read, so it will not chat: ${reason}`);
    return undefined;
  }
}
