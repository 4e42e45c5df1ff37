/** The tiny models are only useful if llama.cpp accepts them and nothing about them varies. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { getLlama, type Llama, LlamaLogLevel } from "node-llama-cpp";
import { writeHtml, writeTruncated, writeWrongMagic } from "./broken-models.ts";
import { writeTinyChatModel, writeTinyEmbeddingModel } from "./tiny-models.ts";

let folder: string;
let llama: Llama;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "localmodel-tiny-models-"));
  llama = await getLlama({ build: "never", gpu: false, logLevel: LlamaLogLevel.disabled });
});
after(async () => {
  await llama.dispose();
  await rm(folder, { recursive: true });
});

for (const [name, write] of [
  ["chat", writeTinyChatModel],
  ["embedding", writeTinyEmbeddingModel],
] as const) {
  test(`the ${name} model is the same file for the same seed, another for another, and small`, async () => {
    const paths = ["one", "two", "other"].map((file) => join(folder, `${name}-${file}.gguf`));
    const [one = "", two = "", other = ""] = paths;
    await write(one, { seed: 7 });
    await write(two, { seed: 7 });
    await write(other, { seed: 8 });
    assert.ok((await readFile(one)).equals(await readFile(two)));
    assert.ok(!(await readFile(one)).equals(await readFile(other)));
    assert.ok((await stat(one)).size < 600_000);
  });
}

test("the chat model tokenises any text back to itself, merges words, and generates", async () => {
  const path = join(folder, "chat.gguf");
  await writeTinyChatModel(path, { contextLength: 512 });
  const model = await llama.loadModel({ modelPath: path });
  const input = "The price of water is 42, señor! 東京 🙂\n\tend \u{10FFFF}";
  const tokens = model.tokenize(input);
  assert.equal(model.detokenize(tokens), input);
  assert.ok(model.tokenize("the water of the mill").length < 8);
  assert.equal(model.tokenize("<|im_start|>", true).length, 1);
  assert.equal(model.trainContextSize, 512);
  assert.ok(model.tokens.infill.prefix !== null && model.tokens.infill.middle !== null);
  const context = await model.createContext({ contextSize: 256, batchSize: 64, threads: 1 });
  const generated: number[] = [];
  for await (const token of context.getSequence().evaluate(tokens, { temperature: 0 })) {
    generated.push(token);
    if (generated.length === 32) break;
  }
  assert.equal(generated.length, 32);
  assert.ok(new Set(generated).size > 4, `greedy decoding is stuck: ${generated.join(" ")}`);
  await model.dispose();
});

test("the chat model can come without infill tokens and without a template", async () => {
  const path = join(folder, "bare.gguf");
  await writeTinyChatModel(path, { infill: false, chatTemplate: false });
  const model = await llama.loadModel({ modelPath: path });
  assert.equal(model.tokens.infill.prefix, null);
  assert.equal(model.fileInfo.metadata.tokenizer.chat_template, undefined);
  await model.dispose();
});

test("the embedding model gives different texts different vectors", async () => {
  const path = join(folder, "embedding.gguf");
  await writeTinyEmbeddingModel(path);
  const model = await llama.loadModel({ modelPath: path });
  const context = await model.createEmbeddingContext({
    contextSize: 128,
    batchSize: 128,
    threads: 1,
  });
  const [first, again, other] = [
    await context.getEmbeddingFor("the king of the country"),
    await context.getEmbeddingFor("the king of the country"),
    await context.getEmbeddingFor("searching for tokens"),
  ];
  assert.equal(first.vector.length, 64);
  assert.ok(first.vector.every(Number.isFinite));
  assert.ok(first.calculateCosineSimilarity(again) > 0.9999);
  assert.ok(first.calculateCosineSimilarity(other) < 0.99);
  await model.dispose();
});

test("no broken model loads", async () => {
  const good = join(folder, "good.gguf");
  await writeTinyChatModel(good);
  const broken = join(folder, "broken.gguf");
  const breakers = [
    () => writeTruncated(broken, good, 0.5),
    () => writeTruncated(broken, good, 0.001),
    () => writeHtml(broken),
    () => writeWrongMagic(broken, good),
  ];
  for (const breakIt of breakers) {
    await breakIt();
    await assert.rejects(llama.loadModel({ modelPath: broken }));
  }
});
