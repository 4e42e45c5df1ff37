/** Real models for tests, loaded once in a process; the tests of a file share them. */
import { smollm2Path } from "./smollm2.ts";
import { TemporaryFolder } from "./temporary-folder.ts";
import { writeTinyChatModel, writeTinyEmbeddingModel } from "./tiny-models.ts";
import { type Llama, openLlama } from "@localmodel/llama/llama.ts";
import type { LogLine } from "@localmodel/llama/logs/log-lines.ts";
import { loadModel, type Model } from "@localmodel/llama/model.ts";

/** What llama.cpp said since the process began. */
export const logged: LogLine[] = [];

let llama: Promise<Llama> | undefined;

export function testLlama(): Promise<Llama> {
  llama ??= openLlama({ gpu: false, log: (line) => logged.push(line) });
  return llama;
}

export const tinyChatModel = shared(() =>
  fromFolder(async (folder) => {
    const path = folder.file("chat.gguf");
    await writeTinyChatModel(path);
    return path;
  }),
);

export const tinyEmbeddingModel = shared(() =>
  fromFolder(async (folder) => {
    const path = folder.file("embedding.gguf");
    await writeTinyEmbeddingModel(path);
    return path;
  }),
);

/** Quantised, so it computes the same for a token alone as in company. */
export const smollm2 = shared(async () =>
  loadModel(await testLlama(), { path: await smollm2Path() }),
);

async function fromFolder(write: (folder: TemporaryFolder) => Promise<string>): Promise<Model> {
  await using folder = await TemporaryFolder.create();
  return await loadModel(await testLlama(), { path: await write(folder) });
}

/** Loads at the first call; the process frees it by ending. */
function shared(load: () => Promise<Model>): () => Promise<Model> {
  let model: Promise<Model> | undefined;
  return () => (model ??= load());
}
