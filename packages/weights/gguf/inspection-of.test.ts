import assert from "node:assert/strict";
import { test } from "node:test";
import type { GgufValues } from "./gguf-header.ts";
import { inspectionOf } from "./inspection-of.ts";

const VALUES: GgufValues = new Map<string, string | number>([
  ["general.architecture", "qwen3vl"],
  ["qwen3vl.embedding_length", 2048],
  ["qwen3vl.n_deepstack_layers", 3],
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
