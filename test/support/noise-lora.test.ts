/** The tiny adapters are only useful if llama.cpp applies them, each to its own context alone. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { getLlama, type Llama, type LlamaContextSequence, LlamaLogLevel } from "node-llama-cpp";
import { writeNoiseLora } from "./noise-lora.ts";
import { TemporaryFolder } from "./temporary-folder.ts";
import { writeTinyChatModel } from "./tiny-models.ts";

const PROMPT = "The price of water is";
const TOKENS = 16;

let folder: TemporaryFolder;
let llama: Llama;
before(async () => {
  folder = await TemporaryFolder.create();
  // Two threads, so that two contexts of one thread each can decode at the same time.
  llama = await getLlama({
    build: "never",
    gpu: false,
    maxThreads: 2,
    logLevel: LlamaLogLevel.disabled,
  });
});
after(async () => {
  await llama.dispose();
  await folder[Symbol.asyncDispose]();
});

test("an adapter is the same file for the same seed, another for another", async () => {
  const paths = ["one", "two", "other"].map((file) => folder.file(`${file}.gguf`));
  const [one = "", two = "", other = ""] = paths;
  await writeNoiseLora(one, { seed: 7 });
  await writeNoiseLora(two, { seed: 7 });
  await writeNoiseLora(other, { seed: 8 });
  assert.ok((await readFile(one)).equals(await readFile(two)));
  assert.ok(!(await readFile(one)).equals(await readFile(other)));
});

test("contexts of one loaded model each use their own adapter, also at the same time", async () => {
  const model = await loadTinyModel();
  const first = await adapterFile(1);
  const second = await adapterFile(2);
  const plain = await sequenceWith();
  const alone = await generate(plain);
  const adapted = [await sequenceWith(first), await sequenceWith(second)];

  const oneByOne: string[] = [];
  for (const sequence of [plain, ...adapted]) oneByOne.push(await generate(sequence));
  assert.equal(oneByOne[0], alone);
  assert.equal(new Set(oneByOne).size, 3, `not all differ: ${JSON.stringify(oneByOne)}`);

  const atOnce = await Promise.all([plain, ...adapted].map(generate));
  assert.deepEqual(atOnce, oneByOne);
  await model.dispose();

  async function sequenceWith(...adapters: readonly string[]): Promise<LlamaContextSequence> {
    const context = await model.createContext({
      contextSize: 256,
      batchSize: 64,
      threads: 1,
      lora: { adapters: adapters.map((filePath) => ({ filePath, scale: 1 })) },
    });
    return context.getSequence();
  }
});

test("an adapter at scale 0 changes nothing", async () => {
  const model = await loadTinyModel();
  const options = { contextSize: 256, batchSize: 64, threads: 1 };
  const adapters = [{ filePath: await adapterFile(1), scale: 0 }];
  const plain = await model.createContext(options);
  const muted = await model.createContext({ ...options, lora: { adapters } });
  assert.equal(await generate(muted.getSequence()), await generate(plain.getSequence()));
  await model.dispose();
});

async function loadTinyModel() {
  const modelPath = folder.file("chat.gguf");
  await writeTinyChatModel(modelPath);
  return llama.loadModel({ modelPath });
}

async function adapterFile(seed: number): Promise<string> {
  const path = folder.file(`adapter-${seed}.gguf`);
  await writeNoiseLora(path, { seed });
  return path;
}

/** Greedily, and with nothing left in the sequence from an earlier call. */
async function generate(sequence: LlamaContextSequence): Promise<string> {
  await sequence.clearHistory();
  const { model } = sequence;
  const tokens: number[] = [];
  const stream = sequence.evaluate(model.tokenize(PROMPT), { temperature: 0, yieldEogToken: true });
  for await (const token of stream) {
    tokens.push(token);
    if (tokens.length === TOKENS) break;
  }
  return tokens.join(" ");
}
