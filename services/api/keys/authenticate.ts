/**
 * Lets in who has a key, if keys are configured; before a body is read, so that strangers cost nothing.
 *
 * No answer says more than that a key is wrong, and none repeats any part of it.
 */
import type { ApiKey } from "@localmodel/localmodel/contracts/api-keys.ts";
import { invalidApiKey } from "@localmodel/inference/refusals.ts";
import type { Request, RequestHandler } from "express";
import { note } from "../request/context.ts";
import { contextOf } from "../request/context.ts";
import type { KeyRing } from "./key-ring.ts";
import type { Keys } from "./key-source.ts";

export function authenticate(keys: Keys, nowMs: () => number = Date.now): RequestHandler {
  return (req, res, next) => {
    const ring = keys.ring();
    if (ring !== undefined) {
      const key = identify(ring, req, nowMs());
      contextOf(res).key = key;
      note(res, { key: key.name });
    }
    next();
  };
}

function identify(ring: KeyRing, req: Request, nowMs: number): ApiKey {
  const presented = presentedKey(req);
  if (presented === undefined) {
    throw invalidApiKey(
      "You didn't provide an API key. Send it in an Authorization header: `Authorization: Bearer YOUR_KEY`.",
    );
  }
  const key = ring.find(presented);
  if (key === undefined) throw invalidApiKey("Incorrect API key provided.");
  if (key.expires !== undefined && nowMs >= Date.parse(key.expires)) {
    throw invalidApiKey(`The API key provided expired at ${key.expires}.`);
  }
  return key;
}

/** OpenAI's clients send a bearer token; some others, Anthropic's and Azure's, a header of their own. */
function presentedKey(req: Request): string | undefined {
  const bearer = /^Bearer +(\S+) *$/i.exec(req.get("authorization") ?? "")?.[1];
  return bearer ?? (req.get("x-api-key") || req.get("api-key") || undefined);
}
