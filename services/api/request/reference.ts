/**
 * What routing needs of a request, and the bytes it came as: those are what is forwarded.
 */
import type { Endpoint } from "@localmodel/inference/endpoint.ts";
import { invalidRequest, unsupportedMediaType } from "@localmodel/inference/refusals.ts";
import { parseShortJson } from "@localmodel/openai/parsing/json.ts";
import { isJsonMediaType } from "@localmodel/service/http/json-media-type.ts";
import { Turns } from "@localmodel/service/process/turns.ts";
import type { Request, RequestHandler } from "express";
import { contextOf } from "./context.ts";
import type { Field, Outline, PromptSpan } from "./outline.ts";
import { readOutline } from "./read-outline.ts";
import { estimatedFrom, estimatedTokens } from "./token-estimate.ts";

export type Reference = {
  readonly body: Buffer;
  /** Absent when the client leaves the choice to us. */
  readonly model?: string;
  readonly stream: boolean;
  /** Of a request that is faster where its prompt's beginning has been before. */
  readonly prompt: PromptSpan | undefined;
  readonly estimatedTokens: number;
};

/** As it is written in the body. */
const MODEL_MAX_BYTES = 4096;

/** All requests share them. */
const turns = new Turns();

export function readReference(endpoint: Endpoint): RequestHandler {
  return async (req, res, next) => {
    contextOf(res).reference = await parseReference(req, endpoint);
    next();
  };
}

async function parseReference(req: Request, endpoint: Endpoint): Promise<Reference> {
  const { fields, reusesPrefixes, promptHeads = [] } = endpoint;
  const body = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
  // Also what keeps web pages out: they cannot send this type to another site without being asked first.
  if (body.length > 0 && !isJsonMediaType(req.headers["content-type"]))
    throw unsupportedMediaType(req.headers["content-type"]);
  const wanted = [...Object.values(fields), ...promptHeads, ...estimatedFrom(endpoint)];
  const outline = await readOutline(body, wanted, turns.next);
  const id = modelOf(body, outline.field(fields.model), fields.model);
  const stream = fields.stream === undefined ? undefined : outline.field(fields.stream);
  return {
    body,
    stream: stream !== undefined && textOf(body, stream) === "true",
    prompt: reusesPrefixes ? promptOf(outline, endpoint) : undefined,
    estimatedTokens: estimatedTokens(body, outline, endpoint),
    ...(id !== undefined && { model: id }),
  };
}

function textOf(body: Buffer, { start, end }: Field): string {
  return body.toString("latin1", start, end);
}

function promptOf(
  outline: Outline,
  { fields, promptHeads = [] }: Pick<Endpoint, "fields" | "promptHeads">,
): PromptSpan | undefined {
  const field = outline.field(fields.prompt);
  if (field === undefined) return undefined;
  const { start, end, partEnds } = field;
  const heads = promptHeads.map((name) => outline.field(name)).filter((head) => head !== undefined);
  return { start, ends: partEnds.length > 0 ? partEnds : [end], heads };
}

/** OpenAI's clients send null for what they leave out. */
function modelOf(body: Buffer, found: Field | undefined, name: string): string | undefined {
  if (found === undefined) return undefined;
  const { start, end } = found;
  if (end - start > MODEL_MAX_BYTES) {
    const message = `Invalid '${name}': expected the id of a model, at most ${MODEL_MAX_BYTES} bytes long.`;
    throw invalidRequest(name, message, "string_above_max_length");
  }
  const model = parseShortJson(body.subarray(start, end));
  if (model === null || model === "") return undefined;
  if (typeof model === "string") return model;
  throw invalidRequest(
    name,
    `Invalid type for '${name}': expected a string, but got ${Array.isArray(model) ? "an array" : `a value of type ${typeof model}`} instead.`,
    "invalid_type",
  );
}
