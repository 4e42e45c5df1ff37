/**
 * The one thing of a request that routing needs: which model it is for.
 *
 * The body is parsed to find out and then forgotten. What is forwarded are the bytes that came.
 */
import { invalidRequest, unsupportedMediaType } from "@localmodel/openai/errors.ts";
import { parseJson } from "@localmodel/openai/json.ts";
import type { Request, RequestHandler, Response } from "express";

export type Reference = {
  readonly body: Buffer;
  /** Absent when the client leaves the choice to us. */
  readonly model?: string;
};

export const readReference: RequestHandler = (req, res, next) => {
  res.locals["reference"] = parseReference(req);
  next();
};

/** What `readReference` found. */
export function referenceOf(res: Response): Reference {
  return res.locals["reference"] as Reference;
}

function parseReference(req: Request): Reference {
  // Also what keeps web pages out: they cannot send this type to another site without being asked first.
  if (!req.is(["json", "+json"]) && hasBody(req))
    throw unsupportedMediaType(req.get("content-type"));
  const body = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
  const model = modelOf(parseJson(body));
  return model === undefined ? { body } : { body, model };
}

function hasBody(req: Request): boolean {
  return Buffer.isBuffer(req.body) && req.body.length > 0;
}

/** OpenAI's clients send null for what they leave out. */
function modelOf(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidRequest(null, "The body of the request must be a JSON object.", "invalid_type");
  }
  const model = "model" in value ? value.model : undefined;
  if (model === undefined || model === null || model === "") return undefined;
  if (typeof model === "string") return model;
  throw invalidRequest(
    "model",
    `Invalid type for 'model': expected a string, but got ${Array.isArray(model) ? "an array" : `a value of type ${typeof model}`} instead.`,
    "invalid_type",
  );
}
