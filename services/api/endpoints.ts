/**
 * What may be forwarded to a model server, as an allow-list: an endpoint that a model server gains becomes public when
 * somebody decides so here. Everything that is read, routed, counted and answered of a request is derived from its row.
 */
import { COUNT_TOKENS, MESSAGES } from "@localmodel/anthropic/endpoints.ts";
import type { Endpoint } from "@localmodel/inference/endpoint.ts";
import {
  OLLAMA_CHAT,
  OLLAMA_EMBED,
  OLLAMA_EMBEDDINGS,
  OLLAMA_GENERATE,
} from "@localmodel/ollama/endpoints.ts";
import { unknownUrl } from "@localmodel/inference/refusals.ts";
import {
  APPLY_TEMPLATE,
  CHAT_COMPLETIONS,
  COMPLETIONS,
  DETOKENIZE,
  EMBEDDINGS,
  RERANK,
  RERANK_BARE,
  RERANK_V2,
  RESPONSE_INPUT_TOKENS,
  RESPONSES,
  TOKENIZE,
} from "@localmodel/openai/endpoints.ts";
import type { RequestHandler } from "express";

export const ENDPOINTS: readonly Endpoint[] = [
  CHAT_COMPLETIONS,
  RESPONSES,
  RESPONSE_INPUT_TOKENS,
  MESSAGES,
  COUNT_TOKENS,
  COMPLETIONS,
  EMBEDDINGS,
  RERANK,
  RERANK_BARE,
  RERANK_V2,
  TOKENIZE,
  DETOKENIZE,
  APPLY_TEMPLATE,
  OLLAMA_CHAT,
  OLLAMA_GENERATE,
  OLLAMA_EMBED,
  OLLAMA_EMBEDDINGS,
];

/** A base URL without `/v1`, or with it twice, is the mistake everybody makes once. */
export function hintAtUrl(endpoints: readonly Endpoint[]): RequestHandler {
  const known = [...endpoints.map(({ path }) => path), "/v1/models"];
  return (req, _res, next) => {
    const meant = meantPath(req.path, known);
    if (meant === undefined) return next();
    const hint = `Did you mean ${meant}? The base URL of this server ends with /v1.`;
    next(unknownUrl(req.method, req.path, hint));
  };
}

function meantPath(path: string, known: readonly string[]): string | undefined {
  const wanted = path.toLowerCase().replace(/\/+$/, "");
  return known.find((one) => one.startsWith("/v1/") && wanted.endsWith(one.slice("/v1".length)));
}
