/** −1, 0 and null: what clients of many servers send for "off", "all" and "not set", and llama.cpp's server understands. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseChatRequest } from "../chat/chat-request.ts";
import { parseCompletionRequest } from "../completions/completion-request.ts";
import { askedSampling } from "./asked-sampling.ts";
import { samplingFields } from "./fields.ts";

const chat = { messages: [{ role: "user", content: "Hi" }] };

function asked(fields: object) {
  const { request: value } = parseChatRequest({ ...chat, ...fields });
  return { ...askedSampling(value), maxTokens: value.max_completion_tokens ?? value.max_tokens };
}

const NOTHING = asked({});

test("null counts as left out, whatever the parameter", () => {
  const names = [...Object.keys(samplingFields), "max_tokens", "logprobs", "top_logprobs", "model"];
  const nulls = Object.fromEntries(names.map((name) => [name, null]));
  assert.deepEqual(asked(nulls), NOTHING);
  const { request: value } = parseCompletionRequest({
    prompt: null,
    best_of: null,
    suffix: null,
    ...nulls,
  });
  assert.deepEqual(value, parseCompletionRequest({}).request);
});

const MEANINGS = [
  ["max_tokens", -1, { maxTokens: -1 }],
  ["max_tokens", 0, { maxTokens: 0 }],
  ["seed", -1, {}],
  ["seed", 0, { seed: 0 }],
  ["top_k", -1, { topK: 0 }],
  ["top_k", 0, { topK: 0 }],
  ["temperature", 0, { temperature: 0 }],
  ["min_p", 0, { minP: 0 }],
  ["repeat_last_n", -1, { penaltyTokens: -1 }],
  ["repeat_last_n", 0, { penaltyTokens: 0 }],
  ["top_n_sigma", -1, { topNSigma: -1 }],
  ["xtc_probability", 0, {}],
  ["dry_multiplier", 0, {}],
  ["mirostat", 0, {}],
  ["dynatemp_range", 0, {}],
] as const;

for (const [name, sent, meaning] of MEANINGS) {
  test(`${name}: ${sent} means what it means to llama.cpp's server`, () => {
    assert.deepEqual(asked({ [name]: sent }), { ...NOTHING, ...meaning });
  });
}

for (const name of ["temperature", "top_p", "min_p", "n", "repeat_penalty", "min_tokens"]) {
  test(`${name}: -1, which means nothing anywhere, is refused by name`, () => {
    assert.throws(() => asked({ [name]: -1 }), { field: name });
  });
}
