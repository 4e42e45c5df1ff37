import assert from "node:assert/strict";
import { test } from "node:test";
import type { GgufValues } from "@localmodel/weights/gguf/gguf-header.ts";
import { draftProblem } from "./draft-problem.ts";

function header(model: string, length: number): GgufValues {
  return new Map<string, string | { readonly length: number }>([
    ["tokenizer.ggml.model", model],
    ["tokenizer.ggml.tokens", { length }],
  ]);
}

test("a draft model has the tokenizer of its model, and as many tokens but for padding", () => {
  const weights = header("gpt2", 151_936);
  assert.equal(draftProblem(weights, header("gpt2", 151_936)), undefined);
  assert.equal(draftProblem(weights, header("gpt2", 151_936 - 256)), undefined);
  assert.match(draftProblem(weights, header("llama", 151_936)) ?? "", /is llama, not gpt2/);
  assert.match(draftProblem(weights, header("gpt2", 32_000)) ?? "", /has 32000 tokens, not 151936/);
  assert.match(draftProblem(weights, new Map()) ?? "", /is none, not gpt2/);
});
