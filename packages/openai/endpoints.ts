/** OpenAI's endpoints that a model answers, a row each. */
import type { Endpoint } from "@localmodel/inference/endpoint.ts";
import { waitingChunk } from "./waiting-chunk.ts";
import { openai, openaiResponses } from "./dialect.ts";
import { ITEM_REFERENCES } from "./item-ids.ts";

/** A chat may go on until its context is full, and seldom does. */
const CHAT_TOKENS_UNNAMED = 1024;
/** OpenAI's own default. */
const COMPLETION_TOKENS_UNNAMED = 16;

export const CHAT_COMPLETIONS = {
  method: "POST",
  path: "/v1/chat/completions",
  operation: "generate",
  capability: "chat",
  telemetryName: "chat",
  dialect: openai,
  fields: { model: "model", stream: "stream", prompt: "messages" },
  promptHeads: ["tools", "functions"],
  promptIsList: true,
  answerTokens: {
    maximum: ["max_completion_tokens", "max_tokens"],
    samples: ["n"],
    unnamed: CHAT_TOKENS_UNNAMED,
  },
  waitingFrame: waitingChunk,
  reusesPrefixes: true,
} as const satisfies Endpoint;

export const RESPONSES = {
  method: "POST",
  path: "/v1/responses",
  operation: "generate",
  capability: "chat",
  telemetryName: "chat",
  dialect: openaiResponses,
  fields: { model: "model", stream: "stream", prompt: "input" },
  promptHeads: ["instructions", "tools"],
  answerTokens: { maximum: ["max_output_tokens"], samples: [], unnamed: CHAT_TOKENS_UNNAMED },
  keeps: {
    previous: "previous_response_id",
    answers: { store: "store", lastEvents: ["response.completed", "response.incomplete"] },
    references: ITEM_REFERENCES,
  },
  reusesPrefixes: true,
} as const satisfies Endpoint;

export const RESPONSE_INPUT_TOKENS = {
  method: "POST",
  path: "/v1/responses/input_tokens",
  operation: "tokenize",
  capability: "chat",
  evaluates: false,
  telemetryName: "tokenize",
  dialect: openaiResponses,
  fields: { model: "model", prompt: "input" },
  promptHeads: ["instructions", "tools"],
  keeps: { previous: "previous_response_id", references: ITEM_REFERENCES },
  reusesPrefixes: false,
} as const satisfies Endpoint;

export const COMPLETIONS = {
  method: "POST",
  path: "/v1/completions",
  operation: "generate",
  capability: "completions",
  telemetryName: "text_completion",
  dialect: openai,
  fields: { model: "model", stream: "stream", prompt: "prompt" },
  answerTokens: {
    maximum: ["max_tokens"],
    samples: ["n", "best_of"],
    unnamed: COMPLETION_TOKENS_UNNAMED,
  },
  reusesPrefixes: true,
} as const satisfies Endpoint;

const READING = {
  method: "POST",
  operation: "tokenize",
  evaluates: false,
  telemetryName: "tokenize",
  dialect: openai,
  reusesPrefixes: false,
} as const;

export const TOKENIZE = {
  ...READING,
  path: "/tokenize",
  fields: { model: "model", prompt: "content" },
  promptHeads: ["prompt", "messages", "tools"],
} as const satisfies Endpoint;

export const DETOKENIZE = {
  ...READING,
  path: "/detokenize",
  fields: { model: "model", prompt: "tokens" },
} as const satisfies Endpoint;

export const APPLY_TEMPLATE = {
  ...READING,
  path: "/apply-template",
  fields: { model: "model", prompt: "messages" },
  promptHeads: ["tools", "functions"],
  capability: "chat",
} as const satisfies Endpoint;

export const EMBEDDINGS = {
  method: "POST",
  path: "/v1/embeddings",
  operation: "embed",
  capability: "embeddings",
  telemetryName: "embeddings",
  dialect: openai,
  fields: { model: "model", prompt: "input" },
  reusesPrefixes: false,
} as const satisfies Endpoint;

export const RERANK = {
  method: "POST",
  path: "/v1/rerank",
  operation: "rerank",
  capability: "rerank",
  telemetryName: "rerank",
  dialect: openai,
  fields: { model: "model", prompt: "documents" },
  promptHeads: ["query", "texts"],
  reusesPrefixes: false,
} as const satisfies Endpoint;

/** As llama.cpp's server and vLLM have it too. */
export const RERANK_BARE = { ...RERANK, path: "/rerank" } as const satisfies Endpoint;

/** Cohere's. */
export const RERANK_V2 = { ...RERANK, path: "/v2/rerank" } as const satisfies Endpoint;
