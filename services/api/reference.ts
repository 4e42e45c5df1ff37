/**
 * What routing needs of a request, and the bytes it came as: those are what is forwarded.
 */
import { invalidRequest, unsupportedMediaType } from "@localmodel/inference/refusals.ts";
import type { Request, RequestHandler, Response } from "express";
import { outlineOf, type PromptSpan } from "./outline.ts";

export type Reference = {
  readonly body: Buffer;
  /** Absent when the client leaves the choice to us. */
  readonly model?: string;
  readonly stream: boolean;
  readonly prompt: PromptSpan | undefined;
};

export const readReference: RequestHandler = (req, res, next) => {
  res.locals["reference"] = parseReference(req);
  next();
};

/** What `readReference` found. */
export function referenceOf(res: Response): Reference {
  return res.locals["reference"] as Reference;
}

const JSON_TYPE = /^application\/json(?:$|[ ;])/i;

function parseReference(req: Request): Reference {
  const body = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
  // Also what keeps web pages out: they cannot send this type to another site without being asked first.
  if (body.length > 0 && !isJson(req)) throw unsupportedMediaType(req.headers["content-type"]);
  const { model, stream, prompt } = outlineOf(body);
  const id = modelOf(model);
  return { body, stream, prompt, ...(id !== undefined && { model: id }) };
}

function isJson(req: Request): boolean {
  return JSON_TYPE.test(req.headers["content-type"] ?? "") || req.is(["json", "+json"]) !== false;
}

/** OpenAI's clients send null for what they leave out. */
function modelOf(model: unknown): string | undefined {
  if (model === undefined || model === null || model === "") return undefined;
  if (typeof model === "string") return model;
  throw invalidRequest(
    "model",
    `Invalid type for 'model': expected a string, but got ${Array.isArray(model) ? "an array" : `a value of type ${typeof model}`} instead.`,
    "invalid_type",
  );
}
