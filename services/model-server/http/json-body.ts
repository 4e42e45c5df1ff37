/**
 * Reads the body of a request as JSON, and refuses what is not with the status that says so.
 *
 * Express' own parser answers in its own words and takes any text that happens to decode; this one is
 * strict about bytes and says what is wrong in OpenAI's form.
 */
import { bodiesMaxBytes, bodyMaxBytes } from "@localmodel/localmodel/contracts/body-limits.ts";
import {
  EARLIER_BYTES_HEADER,
  REFERENCED_BYTES_HEADER,
  TENANT_HEADER,
} from "@localmodel/localmodel/contracts/internal-headers.ts";
import type { Failure } from "@localmodel/inference/failure.ts";
import { invalidRequest, unsupportedMediaType } from "@localmodel/inference/refusals.ts";
import { parseJson } from "@localmodel/openai/parsing/json.ts";
import { BodyMemory } from "@localmodel/service/http/bodies/body-memory.ts";
import { readBody } from "@localmodel/service/http/bodies/read-body.ts";
import { isJsonMediaType } from "@localmodel/service/http/json-media-type.ts";
import { Turns } from "@localmodel/service/process/turns.ts";
import type { Keeper } from "@localmodel/inference/wire.ts";
import type { Request, RequestHandler, Response } from "express";

/** The API service, which nearly all requests come from, sends a body at once. */
const BODY_IDLE_TIMEOUT_MS = 10_000;

/** For all endpoints together: they share the memory. `contextTokens` may become known later. */
export function jsonBody(contextTokens: () => number, takesImages: boolean): RequestHandler[] {
  const body = readBody({
    maxBytes: () => bodyMaxBytes(contextTokens(), takesImages),
    idleTimeoutMs: BODY_IDLE_TIMEOUT_MS,
    memory: new BodyMemory(() => bodiesMaxBytes(contextTokens(), takesImages)),
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

const parse: RequestHandler = async (req, res, next) => {
  const bytes = req.body instanceof Uint8Array ? req.body : new Uint8Array();
  const earlierBytes = bytesBefore(req, EARLIER_BYTES_HEADER);
  const referencedBytes = bytesBefore(req, REFERENCED_BYTES_HEADER) ?? 0;
  const start = (earlierBytes ?? 0) + referencedBytes;
  if (start > bytes.length) throw malformedHeader();
  if (earlierBytes !== undefined) {
    const earlier = await items(bytes.subarray(0, earlierBytes));
    const referenced = await items(bytes.subarray(earlierBytes, start));
    res.locals["keeper"] = { earlier, referenced } satisfies Keeper;
  }
  req.body = await json(bytes.subarray(start));
  next();
};

async function items(bytes: Uint8Array): Promise<readonly unknown[]> {
  const value = bytes.length === 0 ? [] : await json(bytes);
  if (!Array.isArray(value)) throw malformedHeader();
  return value;
}

/** What is kept in front of this server: see EARLIER_BYTES_HEADER. */
export function keeperOf(res: Response): Keeper | undefined {
  return res.locals["keeper"] as Keeper | undefined;
}

function json(bytes: Uint8Array): Promise<unknown> {
  return parseJson(bytes, turns.next);
}

function bytesBefore(req: Request, header: string): number | undefined {
  const value = req.get(header);
  if (value === undefined) return undefined;
  if (!/^\d{1,9}$/.test(value)) throw malformedHeader();
  return Number(value);
}

function malformedHeader(): Failure {
  return invalidRequest(
    null,
    `Invalid '${EARLIER_BYTES_HEADER}' or '${REFERENCED_BYTES_HEADER}': the body does not begin with that.`,
  );
}
