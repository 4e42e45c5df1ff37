import assert from "node:assert/strict";
import { test } from "node:test";
import { JsonShape } from "@localmodel/openai/parsing/json-shape.ts";
import { CHAT_COMPLETIONS, COMPLETIONS, EMBEDDINGS } from "@localmodel/openai/endpoints.ts";
import { MESSAGES } from "@localmodel/anthropic/endpoints.ts";
import { OLLAMA_CHAT, OLLAMA_GENERATE } from "@localmodel/ollama/endpoints.ts";
import type { Endpoint } from "@localmodel/inference/endpoint.ts";
import { Outline } from "./outline.ts";
import { estimatedFrom, estimatedTokens } from "./token-estimate.ts";

function estimate(endpoint: Endpoint, value: object): number {
  const body = Buffer.from(JSON.stringify(value));
  const outline = new Outline(body, [
    ...Object.values(endpoint.fields),
    ...(endpoint.promptHeads ?? []),
    ...estimatedFrom(endpoint),
  ]);
  new JsonShape(body, outline).advance(Infinity);
  return estimatedTokens(body, outline, endpoint);
}

const text = "x ".repeat(199);
const file = "iVBORw0KGgo".repeat(100);

for (const [name, endpoint, body, tokens] of [
  ["a prompt and its maximum", COMPLETIONS, { prompt: text, max_tokens: 50 }, 150],
  ["OpenAI's default", COMPLETIONS, { prompt: text }, 116],
  ["a maximum of null", COMPLETIONS, { prompt: text, max_tokens: null }, 116],
  ["several answers", COMPLETIONS, { prompt: text, max_tokens: 50, n: 2, best_of: 3 }, 250],
  ["no prompt", COMPLETIONS, { max_tokens: 50 }, 51],
  ["a chat that names no maximum", CHAT_COMPLETIONS, { messages: [text] }, 1125],
  ["a chat's newer name", CHAT_COMPLETIONS, { max_tokens: 9, max_completion_tokens: 7 }, 8],
  ["tools, which are in the prompt", CHAT_COMPLETIONS, { tools: [text], max_tokens: 50 }, 151],
  [
    "images, however many bytes they have",
    CHAT_COMPLETIONS,
    { messages: [`data:image/png;base64,${text}`, `data:image/gif;base64,${text}`], max_tokens: 1 },
    2058,
  ],
  [
    "images in Anthropic's form",
    MESSAGES,
    { messages: [{ source: { type: "base64", data: file } }, { data: file }], max_tokens: 1 },
    2062,
  ],
  ["images in Ollama's form", OLLAMA_CHAT, { messages: [{ images: [file, file, text] }] }, 3178],
  ["images beside a prompt", OLLAMA_GENERATE, { prompt: text, images: [file] }, 2149],
  ["without end", CHAT_COMPLETIONS, { max_tokens: -1 }, Infinity],
  ["nonsense", CHAT_COMPLETIONS, { max_tokens: { a: 1 } }, Infinity],
  ["an option inside of another field", OLLAMA_CHAT, { options: { num_predict: 30 } }, 31],
  ["options that name no maximum", OLLAMA_CHAT, { options: { seed: 1 } }, 1025],
  ["options that are none", OLLAMA_CHAT, { options: null }, 1025],
  ["an option without end", OLLAMA_CHAT, { options: { num_predict: -2 } }, Infinity],
  ["an option that is no maximum", OLLAMA_CHAT, { options: { num_predict: 0 } }, Infinity],
  ["an input", EMBEDDINGS, { input: text, max_tokens: 50 }, 100],
] as const) {
  test(`${name}: ${tokens} tokens`, () => {
    assert.equal(estimate(endpoint, body), tokens);
  });
}
