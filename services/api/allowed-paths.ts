/**
 * What may be forwarded to a model server, as an allow-list: an endpoint that a model server gains
 * becomes public when somebody decides so here.
 */
import { unknownUrl } from "@localmodel/inference/refusals.ts";
import type { Endpoint } from "@localmodel/inference/endpoint.ts";
import { OPENAI_ENDPOINTS } from "@localmodel/openai/endpoints.ts";
import type { RequestHandler } from "express";

export const ENDPOINTS: readonly Endpoint[] = OPENAI_ENDPOINTS;

const KNOWN_PATHS = [...ENDPOINTS.map(({ path }) => path), "/v1/models"];

/** A base URL without `/v1`, or with it twice, is the mistake everybody makes once. */
export const hintAtUrl: RequestHandler = (req, _res, next) => {
  const meant = meantPath(req.path);
  if (meant === undefined) return next();
  const hint = `Did you mean ${meant}? The base URL of this server ends with /v1.`;
  next(unknownUrl(req.method, req.path, hint));
};

export function meantPath(path: string): string | undefined {
  const wanted = path.toLowerCase().replace(/\/+$/, "");
  return KNOWN_PATHS.find((known) => wanted.endsWith(known.slice("/v1".length)));
}
