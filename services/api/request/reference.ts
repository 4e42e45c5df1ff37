/**
 * What routing needs of a request, and the bytes it came as: those are what is forwarded.
 */
import type { Endpoint } from "@localmodel/inference/endpoint.ts";
import { invalidRequest, unsupportedMediaType } from "@localmodel/inference/refusals.ts";
import { isJsonMediaType } from "@localmodel/service/http/json-media-type.ts";
import type { Request, RequestHandler } from "express";
import { contextOf } from "./context.ts";
import { outlineOf, type PromptSpan } from "./outline.ts";

export type Reference = {
  readonly body: Buffer;
  /** Absent when the client leaves the choice to us. */
  readonly model?: string;
  readonly stream: boolean;
  /** Of a request that is faster where its prompt's beginning has been before. */
  readonly prompt: PromptSpan | undefined;
};

export function readReference(endpoint: Endpoint): RequestHandler {
  return (req, res, next) => {
    contextOf(res).reference = parseReference(req, endpoint);
    next();
  };
}

function parseReference(req: Request, { fields, reusesPrefixes }: Endpoint): Reference {
  const body = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
  // Also what keeps web pages out: they cannot send this type to another site without being asked first.
  if (body.length > 0 && !isJsonMediaType(req.headers["content-type"]))
    throw unsupportedMediaType(req.headers["content-type"]);
  const { model, stream, prompt } = outlineOf(body, fields);
  const id = modelOf(model, fields.model);
  return {
    body,
    stream,
    prompt: reusesPrefixes ? prompt : undefined,
    ...(id !== undefined && { model: id }),
  };
}

/** OpenAI's clients send null for what they leave out. */
function modelOf(model: unknown, field: string): string | undefined {
  if (model === undefined || model === null || model === "") return undefined;
  if (typeof model === "string") return model;
  throw invalidRequest(
    field,
    `Invalid type for '${field}': expected a string, but got ${Array.isArray(model) ? "an array" : `a value of type ${typeof model}`} instead.`,
    "invalid_type",
  );
}
