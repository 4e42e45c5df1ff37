/** The endpoints of the model, a row each: everything that is asked of the engine comes in through one of them. */
import { countTokensWire } from "@localmodel/anthropic/count-tokens-wire.ts";
import { messagesWire } from "@localmodel/anthropic/messages-wire.ts";
import type { Endpoint } from "@localmodel/inference/endpoint.ts";
import type { Operation } from "@localmodel/inference/operation.ts";
import type { Wire } from "@localmodel/inference/wire.ts";
import { ollamaEmbedWire, ollamaEmbeddingsWire } from "@localmodel/ollama/embedding-wires.ts";
import { ollamaChatWire, ollamaGenerateWire } from "@localmodel/ollama/generation-wires.ts";
import { chatWire } from "@localmodel/openai/chat/chat-wire.ts";
import { completionWire } from "@localmodel/openai/completions/completion-wire.ts";
import { embeddingWire } from "@localmodel/openai/embeddings/embedding-wire.ts";
import { rerankWires } from "@localmodel/openai/reranking/rerank-wire.ts";
import {
  applyTemplateWire,
  detokenizeWire,
  tokenizeWire,
} from "@localmodel/openai/tokenizing/tokenizing-wires.ts";
import { inputTokensWire } from "@localmodel/openai/responses/input-tokens-wire.ts";
import { responsesWire } from "@localmodel/openai/responses/responses-wire.ts";
import type { RequestHandler } from "express";
import type { Serving } from "../serving.ts";
import { endpointRoute } from "./endpoint-route.ts";

export type EndpointRoute = {
  readonly endpoint: Endpoint;
  readonly handler: (serving: Serving) => RequestHandler;
};

/** For wires of all operations in one list. */
export function served<Asked extends Operation>(wire: Wire<Asked>): EndpointRoute {
  return {
    endpoint: wire.endpoint,
    handler: (serving) => endpointRoute(wire, serving),
  };
}

export const ENDPOINTS: readonly EndpointRoute[] = [
  served(chatWire),
  served(messagesWire),
  served(countTokensWire),
  served(responsesWire),
  served(inputTokensWire),
  served(completionWire),
  served(embeddingWire),
  ...rerankWires.map((wire) => served(wire)),
  served(tokenizeWire),
  served(detokenizeWire),
  served(applyTemplateWire),
  served(ollamaChatWire),
  served(ollamaGenerateWire),
  served(ollamaEmbedWire),
  served(ollamaEmbeddingsWire),
];
