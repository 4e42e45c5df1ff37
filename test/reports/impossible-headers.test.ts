/** Weights whose header claims what no model can have: refused where they are looked at, whoever looks. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { inspectWeights } from "@localmodel/weights/inspect-weights.ts";
import { fetchWeights } from "@localmodel/weights/fetch-weights.ts";
import { encodeGguf, type GgufValue, metadataValue } from "../support/gguf.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { TestEngine } from "../../services/model-server/fixtures/engine.ts";

const { text, texts, u32 } = metadataValue;

const POSSIBLE: Record<string, GgufValue> = {
  "general.architecture": text("llama"),
  "llama.context_length": u32(2048),
  "llama.embedding_length": u32(64),
  "llama.block_count": u32(1),
  "tokenizer.ggml.tokens": texts(["a", "b"]),
};

const TENSOR = {
  name: "token_embd.weight",
  dimensions: [4],
  type: "f32",
  values: Float32Array.of(1, 2, 3, 4),
} as const;

async function written(folder: TemporaryFolder, change: Record<string, GgufValue>) {
  const path = folder.file("model.gguf");
  const metadata = { ...POSSIBLE, ...change };
  await writeFile(path, encodeGguf({ metadata, tensors: [TENSOR] }));
  return path;
}

const IMPOSSIBLE: readonly (readonly [string, Record<string, GgufValue>, RegExp])[] = [
  ["a context of no tokens", { "llama.context_length": u32(0) }, /llama\.context_length is 0/],
  ["no layers", { "llama.block_count": u32(0) }, /llama\.block_count is 0/],
  ["a width that is a text", { "llama.embedding_length": text("64") }, /embedding_length is "64"/],
  ["a vocabulary without tokens", { "tokenizer.ggml.tokens": texts([]) }, /without a token/],
  [
    "more experts in use than there are",
    { "llama.expert_count": u32(2), "llama.expert_used_count": u32(3) },
    /expert_used_count is 3, of 2 experts/,
  ],
];

for (const [what, change, message] of IMPOSSIBLE) {
  test(`a header with ${what} is refused before anything is loaded`, async () => {
    await using folder = await TemporaryFolder.create();
    const path = await written(folder, change);
    const source = { file: { path } };
    for (const look of [
      () => inspectWeights(source),
      () => fetchWeights(source, { cacheDir: folder.file("cache") }),
      () => TestEngine.load(path),
    ]) {
      await assert.rejects(look, message);
    }
  });
}

test("a header that is possible is inspected, and so is one that leaves everything out", async () => {
  await using folder = await TemporaryFolder.create();
  const path = await written(folder, {});
  assert.equal((await inspectWeights({ file: { path } })).parameters, 4);
  const metadata = { "general.architecture": text("clip") };
  await writeFile(path, encodeGguf({ metadata, tensors: [TENSOR] }));
  assert.equal((await inspectWeights({ file: { path } })).parameters, 4);
});
