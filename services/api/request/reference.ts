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
import { KEEP_ALIVE_FIELDS, keepAliveSeconds } from "./keep-alive.ts";
import type { Field, Outline, PromptSpan } from "./outline.ts";
import { promptSpan } from "./prompt-span.ts";
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
  /** How long the model is to stay loaded after it, if it says so; -1 for ever. */
  readonly keepAliveSeconds?: number;
  /** Whether it asks for nothing but to have the model loaded, or not. */
  readonly isEmpty: boolean;
  /** Of an endpoint whose answers may be kept. */
  readonly keeping?: Keeping;
  /** What it goes on with, once that is found; empty for a request that begins anew. */
  readonly earlier?: Earlier;
};

/** An array in pieces, which are those of the store, or nothing at all. */
export type KeptItems = { readonly json: readonly Buffer[]; readonly bytes: number };

/** The conversation before a request. */
type Earlier = KeptItems & {
  /** Items that the request, or the conversation, names instead of holding them. */
  readonly referenced: KeptItems;
  /** Of its prompt: see prompt-chain.ts. */
  readonly chain: readonly { readonly hash: number; readonly bytes: number }[];
};

type Keeping = {
  /** Whether this one's is to be. */
  readonly store: boolean;
  /** Whether the client relies on it, having said so itself. */
  readonly mustStore: boolean;
  /** The answer that it goes on with. */
  readonly previous?: string;
  /** What is asked, as its JSON. Absent: nothing new. */
  readonly input?: Buffer;
};

const JSON_TYPE = "application/json";
const FORM_TYPE = "application/x-www-form-urlencoded";
/** As it is written in the body. */
const ID_MAX_BYTES = 4096;

/** All requests share them. */
const turns = new Turns();

export function readReference(endpoint: Endpoint): RequestHandler {
  return async (req, res, next) => {
    contextOf(res).reference = await parseReference(req, endpoint);
    next();
  };
}

async function parseReference(req: Request, endpoint: Endpoint): Promise<Reference> {
  const { fields, reusesPrefixes } = endpoint;
  const body = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
  if (endpoint.takesForms === true && isForm(req)) req.headers["content-type"] = JSON_TYPE;
  // Also what keeps web pages out: they cannot send this type to another site without being asked first.
  if (body.length > 0 && !isJsonMediaType(req.headers["content-type"]))
    throw unsupportedMediaType(req.headers["content-type"]);
  const { keeps } = endpoint;
  const outline = await readOutline(body, wantedFields(endpoint), turns.next);
  const id = idIn(body, outline, fields.model);
  const keepAlive = keepAliveOf(body, outline);
  return {
    body,
    stream: isForStream(body, outline, endpoint),
    prompt: reusesPrefixes ? promptSpan(body, outline, endpoint) : undefined,
    estimatedTokens: estimatedTokens(body, outline, endpoint),
    isEmpty: isEmpty(body, outline, endpoint),
    ...(id !== undefined && { model: id }),
    ...(keepAlive !== undefined && { keepAliveSeconds: keepAlive }),
    ...(keeps !== undefined && { keeping: keepingOf(body, outline, { fields, keeps }) }),
  };
}

/** Not a page's: browsers say of each body that they send to another site whose page has sent it. */
function isForm({ headers }: Request): boolean {
  const isPages = headers.origin !== undefined || headers["sec-fetch-site"] !== undefined;
  return !isPages && headers["content-type"] === FORM_TYPE;
}

function wantedFields(endpoint: Endpoint): readonly string[] {
  const { fields, promptHeads = [], keeps, emptyAsk } = endpoint;
  return [
    ...Object.values(fields),
    ...promptHeads,
    ...estimatedFrom(endpoint),
    ...(keeps === undefined ? [] : [keeps.previous]),
    ...(keeps?.answers === undefined ? [] : [keeps.answers.store]),
    ...(emptyAsk?.without ?? []),
    ...KEEP_ALIVE_FIELDS,
  ];
}

function keepingOf(
  body: Buffer,
  outline: Outline,
  { fields, keeps }: Pick<Endpoint, "fields"> & { readonly keeps: NonNullable<Endpoint["keeps"]> },
): Keeping {
  const { answers } = keeps;
  const field = answers && outline.field(answers.store);
  const said = field && textOf(body, field);
  const previous = idIn(body, outline, keeps.previous);
  const input = outline.field(fields.prompt);
  return {
    store: answers !== undefined && said !== "false",
    mustStore: said === "true",
    ...(previous !== undefined && { previous }),
    ...(input !== undefined && { input: body.subarray(input.start, input.end) }),
  };
}

function isForStream(
  body: Buffer,
  outline: Outline,
  { fields, streamsByDefault }: Pick<Endpoint, "fields" | "streamsByDefault">,
): boolean {
  if (fields.stream === undefined) return false;
  const field = outline.field(fields.stream);
  if (field === undefined) return streamsByDefault === true;
  const said = textOf(body, field);
  return said === "true" || (said === "null" && streamsByDefault === true);
}

/** Longer than any duration is written. */
const KEEP_ALIVE_MAX_BYTES = 64;

function keepAliveOf(body: Buffer, outline: Outline): number | undefined {
  for (const name of KEEP_ALIVE_FIELDS) {
    const field = outline.field(name);
    if (field === undefined) continue;
    const { start, end } = field;
    const isLong = end - start > KEEP_ALIVE_MAX_BYTES;
    const value = isLong ? undefined : parseShortJson(body.subarray(start, end));
    return keepAliveSeconds(name, value);
  }
  return undefined;
}

/** Longer than nothing is written. */
const BLANK_MAX_BYTES = 64;

function isEmpty(body: Buffer, outline: Outline, { emptyAsk }: Endpoint): boolean {
  if (emptyAsk === undefined) return false;
  return emptyAsk.without.every((name) => isBlank(body, outline.field(name)));
}

/** Not there, null, or empty. */
function isBlank(body: Buffer, field: Field | undefined): boolean {
  if (field === undefined) return true;
  if (field.end - field.start > BLANK_MAX_BYTES) return false;
  return /^(?:null|""|\[\s*\])$/.test(textOf(body, field));
}

function textOf(body: Buffer, { start, end }: Field): string {
  return body.toString("latin1", start, end);
}

/** OpenAI's clients send null for what they leave out. */
function idIn(body: Buffer, outline: Outline, name: string): string | undefined {
  const found = outline.field(name);
  if (found === undefined) return undefined;
  const { start, end } = found;
  if (end - start > ID_MAX_BYTES) {
    const message = `Invalid '${name}': expected an id, at most ${ID_MAX_BYTES} bytes long.`;
    throw invalidRequest(name, message, "string_above_max_length");
  }
  const id = parseShortJson(body.subarray(start, end));
  if (id === null || id === "") return undefined;
  if (typeof id === "string") return id;
  throw invalidRequest(
    name,
    `Invalid type for '${name}': expected a string, but got ${Array.isArray(id) ? "an array" : `a value of type ${typeof id}`} instead.`,
    "invalid_type",
  );
}
