/** Ollama's endpoints that a model answers, a row each. */
import type { Endpoint } from "@localmodel/inference/endpoint.ts";
import { asMessage, asResponse, unloaded } from "./answers/generated.ts";
import { ollama } from "./dialect.ts";

const GENERATION = {
  method: "POST",
  operation: "generate",
  dialect: ollama,
  takesForms: true,
  streamsByDefault: true,
  reusesPrefixes: true,
} as const;

const answerTokens = {
  maximum: ["options.num_predict"],
  samples: [],
  unnamed: 1024,
  zeroIsNone: true,
} as const;

export const OLLAMA_CHAT = {
  ...GENERATION,
  path: "/api/chat",
  capability: "chat",
  telemetryName: "chat",
  fields: { model: "model", stream: "stream", prompt: "messages" },
  promptHeads: ["tools"],
  promptIsList: true,
  answerTokens,
  emptyAsk: { without: ["messages"], unloaded: (head) => unloaded(head, asMessage) },
} as const satisfies Endpoint;

export const OLLAMA_GENERATE = {
  ...GENERATION,
  path: "/api/generate",
  capability: "completions",
  telemetryName: "text_completion",
  fields: { model: "model", stream: "stream", prompt: "prompt" },
  promptHeads: ["system", "images"],
  answerTokens,
  emptyAsk: {
    without: ["prompt", "suffix", "images"],
    unloaded: (head) => unloaded(head, asResponse),
  },
} as const satisfies Endpoint;

const EMBEDDING = {
  method: "POST",
  operation: "embed",
  capability: "embeddings",
  telemetryName: "embeddings",
  dialect: ollama,
  takesForms: true,
  reusesPrefixes: false,
} as const;

export const OLLAMA_EMBED = {
  ...EMBEDDING,
  path: "/api/embed",
  fields: { model: "model", prompt: "input" },
} as const satisfies Endpoint;

/** Its older form, of one text. */
export const OLLAMA_EMBEDDINGS = {
  ...EMBEDDING,
  path: "/api/embeddings",
  fields: { model: "model", prompt: "prompt" },
} as const satisfies Endpoint;
