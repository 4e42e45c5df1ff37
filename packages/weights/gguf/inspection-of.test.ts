import assert from "node:assert/strict";
import { test } from "node:test";
import type { GgufValues } from "./gguf-header.ts";
import { inspectionOf } from "./inspection-of.ts";

const VALUES: GgufValues = new Map<string, string | number>([
  ["general.architecture", "qwen3vl"],
  ["qwen3vl.embedding_length", 2048],
  ["qwen3vl.n_deepstack_layers", 3],
  ["tokenizer.chat_template", "{{ messages }}"],
]);
const WEIGHTS = { values: VALUES, parameters: 1, sizeBytes: 1 };

test("a model that reads pictures in several of its layers has longer rows than embeddings, and needs a projector for any", () => {
  const projector: GgufValues = new Map();
  assert.equal(inspectionOf(WEIGHTS, { bytes: 1, projector }).rowDimensions, 4 * 2048);
  assert.equal(inspectionOf(WEIGHTS, { bytes: 1 }).rowDimensions, undefined);
  const plain = new Map([...VALUES, ["qwen3vl.n_deepstack_layers", -1] as const]);
  const { rowDimensions } = inspectionOf({ ...WEIGHTS, values: plain }, { bytes: 1, projector });
  assert.equal(rowDimensions, undefined);
});

test("what a model can do is what its header says, and its projector's", () => {
  const capable = (...senses: readonly string[]) => {
    const projector = new Map(senses.map((sense) => [`clip.has_${sense}_encoder`, true] as const));
    return inspectionOf(WEIGHTS, { bytes: 1, projector }).capabilities;
  };
  assert.deepEqual(inspectionOf(WEIGHTS, { bytes: 1 }).capabilities, ["chat", "completions"]);
  assert.deepEqual(capable("vision"), ["chat", "completions", "vision"]);
  assert.deepEqual(capable("audio"), ["chat", "completions", "audio"]);
  assert.deepEqual(capable("vision", "audio"), ["chat", "completions", "vision", "audio"]);
});
