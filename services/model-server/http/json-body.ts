/**
 * Reads the body of a request as JSON, and refuses what is not with the status that says so.
 *
 * Express' own parser answers in its own words and takes any text that happens to decode; this one is
 * strict about bytes and says what is wrong in OpenAI's form.
 */
import { bodiesMaxBytes, bodyMaxBytes } from "@localmodel/localmodel/contracts/body-limits.ts";
import { TENANT_HEADER } from "@localmodel/localmodel/contracts/internal-headers.ts";
import { unsupportedMediaType } from "@localmodel/inference/refusals.ts";
import { parseJson } from "@localmodel/openai/parsing/json.ts";
import { BodyMemory } from "@localmodel/service/http/bodies/body-memory.ts";
import { readBody } from "@localmodel/service/http/bodies/read-body.ts";
import { isJsonMediaType } from "@localmodel/service/http/json-media-type.ts";
import { Turns } from "@localmodel/service/process/turns.ts";
import type { RequestHandler } from "express";

/** The API service, which nearly all requests come from, sends a body at once. */
const BODY_IDLE_TIMEOUT_MS = 10_000;

/** For all endpoints together: they share the memory. `contextTokens` may become known later. */
export function jsonBody(contextTokens: () => number): RequestHandler[] {
  const body = readBody({
    maxBytes: () => bodyMaxBytes(contextTokens()),
    idleTimeoutMs: BODY_IDLE_TIMEOUT_MS,
    memory: new BodyMemory(() => bodiesMaxBytes(contextTokens())),
    ownerOf: (req) => req.get(TENANT_HEADER) ?? "",
  });
  return [requireJson, body, parse];
}

const requireJson: RequestHandler = (req, _res, next) => {
  if (!isJsonMediaType(req.get("content-type")))
    throw unsupportedMediaType(req.get("content-type"));
  next();
};

/** All requests share them. */
const turns = new Turns();

const parse: RequestHandler = async (req, _res, next) => {
  const body: unknown = req.body;
  req.body = await parseJson(body instanceof Uint8Array ? body : new Uint8Array(), turns.next);
  next();
};
