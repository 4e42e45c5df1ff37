import assert from "node:assert/strict";
import { test } from "node:test";
import {
  architectureOf,
  architectureValue,
  capabilitiesOf,
  likelyCapabilities,
} from "./capabilities.ts";
import { type Metadata, metadataOf as metadataFrom } from "./metadata.ts";

function metadataOf(architecture: string, section: Record<string, unknown> = {}): Metadata {
  return { general: { architecture }, [architecture]: section };
}

const EVERYTHING = { infill: true, chatTemplate: true };

test("a value is looked up under the file's own architecture", () => {
  const metadata = { ...metadataOf("llama", { block_count: 30 }), bert: { block_count: 1 } };
  assert.equal(architectureOf(metadata), "llama");
  assert.equal(architectureValue(metadata, "block_count"), 30);
  assert.equal(architectureValue(metadata, "nothing"), undefined);
});

test("metadata without an architecture is no reason to fail", () => {
  for (const metadata of [
    {},
    { general: null },
    { general: "text" },
    { general: { architecture: 7 } },
  ]) {
    assert.equal(architectureOf(metadata), "unknown");
    assert.equal(architectureValue(metadata, "pooling_type"), undefined);
  }
});

for (const { name, metadata, has, expected } of [
  {
    name: "a model with a template chats and completes",
    metadata: metadataOf("llama"),
    has: { infill: false, chatTemplate: true },
    expected: ["chat", "completions"],
  },
  {
    name: "a model without a template completes",
    metadata: metadataOf("llama"),
    has: { infill: false, chatTemplate: false },
    expected: ["completions"],
  },
  {
    name: "a model with infill tokens infills",
    metadata: metadataOf("qwen2"),
    has: EVERYTHING,
    expected: ["chat", "completions", "infill"],
  },
  {
    name: "pooling of no kind is generation",
    metadata: metadataOf("qwen2", { pooling_type: 0 }),
    has: { infill: false, chatTemplate: true },
    expected: ["chat", "completions"],
  },
  {
    name: "a decoder with pooling embeds, template or not",
    metadata: metadataOf("qwen3", { pooling_type: 3 }),
    has: EVERYTHING,
    expected: ["embeddings"],
  },
  {
    name: "an encoder embeds, whatever it says of pooling",
    metadata: metadataOf("nomic-bert"),
    has: { infill: false, chatTemplate: false },
    expected: ["embeddings"],
  },
  {
    name: "a model that pools to a rank reranks",
    metadata: metadataOf("bert", { pooling_type: 4 }),
    has: EVERYTHING,
    expected: ["rerank"],
  },
]) {
  test(name, () => assert.deepEqual(capabilitiesOf(metadata, has), expected));
}

test("a header tells what a model is likely to do, even where its template is too long to be kept", () => {
  const values = new Map<string, number | string | { length: number }>([
    ["general.architecture", "qwen2"],
    ["tokenizer.chat_template", { length: 5000 }],
    ["tokenizer.ggml.fim_pre_token_id", 1],
    ["tokenizer.ggml.suffix_token_id", 2],
  ]);
  assert.deepEqual(likelyCapabilities(metadataFrom(values)), ["chat", "completions"]);
  values.set("tokenizer.ggml.fim_mid_token_id", 3);
  assert.deepEqual(likelyCapabilities(metadataFrom(values)), ["chat", "completions", "infill"]);
});
