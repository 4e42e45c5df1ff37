/**
 * Reads the body of a request as JSON, and refuses what is not with the status that says so.
 *
 * Express' own parser answers in its own words and takes any text that happens to decode; this one is
 * strict about bytes and says what is wrong in OpenAI's form.
 */
import { unsupportedMediaType } from "@localmodel/inference/refusals.ts";
import { parseJson } from "@localmodel/openai/parsing/json.ts";
import { isJsonMediaType } from "@localmodel/service/http/json-media-type.ts";
import { raw, type RequestHandler } from "express";

/** Room for a prompt of several million tokens, and no more than a process can hold many of. */
const BODY_MAX_BYTES = 32 * 1024 * 1024;

export function jsonBody(limitBytes = BODY_MAX_BYTES): RequestHandler[] {
  return [requireJson, raw({ type: () => true, limit: limitBytes }), parse];
}

const requireJson: RequestHandler = (req, _res, next) => {
  if (!isJsonMediaType(req.get("content-type")))
    throw unsupportedMediaType(req.get("content-type"));
  next();
};

const parse: RequestHandler = (req, _res, next) => {
  const body: unknown = req.body;
  req.body = parseJson(body instanceof Uint8Array ? body : new Uint8Array());
  next();
};
