/** Anthropic's endpoints that a model answers, a row each. */
import type { Endpoint } from "@localmodel/inference/endpoint.ts";
import { anthropic } from "./dialect.ts";
import { BILLING_HEADER } from "./requests/content.ts";

/** Anthropic's clients always name a maximum. */
const MESSAGE_TOKENS_UNNAMED = 1024;

export const MESSAGES = {
  method: "POST",
  path: "/v1/messages",
  operation: "generate",
  capability: "chat",
  telemetryName: "chat",
  dialect: anthropic,
  fields: { model: "model", stream: "stream", prompt: "messages" },
  promptHeads: ["tools", "system"],
  passedOver: BILLING_HEADER,
  promptIsList: true,
  answerTokens: { maximum: ["max_tokens"], samples: [], unnamed: MESSAGE_TOKENS_UNNAMED },
  reusesPrefixes: true,
} as const satisfies Endpoint;

export const COUNT_TOKENS = {
  method: "POST",
  path: "/v1/messages/count_tokens",
  operation: "tokenize",
  capability: "chat",
  evaluates: false,
  telemetryName: "tokenize",
  dialect: anthropic,
  fields: { model: "model", prompt: "messages" },
  promptHeads: ["tools", "system"],
  reusesPrefixes: false,
} as const satisfies Endpoint;
