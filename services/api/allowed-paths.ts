/**
 * What may be forwarded to a model server, as an allow-list: an endpoint that a model server gains
 * becomes public when somebody decides so here.
 */
import { OpenAIError, unknownUrl } from "@localmodel/openai/errors.ts";
import type { RequestHandler } from "express";

export const PROXIED_PATHS = ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"] as const;

const KNOWN_PATHS = [...PROXIED_PATHS, "/v1/models"] as const;

/** A base URL without `/v1`, or with it twice, is the mistake everybody makes once. */
export const hintAtUrl: RequestHandler = (req, _res, next) => {
  const meant = meantPath(req.path);
  if (meant === undefined) return next();
  const data = unknownUrl(req.method, req.path).toJSON();
  const hint = `Did you mean ${meant}? The base URL of this server ends with /v1.`;
  next(new OpenAIError({ ...data, message: `${data.message} ${hint}` }));
};

export function meantPath(path: string): string | undefined {
  const wanted = path.toLowerCase().replace(/\/+$/, "");
  return KNOWN_PATHS.find((known) => wanted.endsWith(known.slice("/v1".length)));
}
