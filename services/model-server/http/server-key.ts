/**
 * Lets nobody in but the API service, which shows a key (contracts/server-key.ts).
 *
 * It decides who may use a model and says whose a request is; whoever came past it would be any tenant, and read
 * everybody's prompts.
 */
import { SERVER_KEY_HEADER, serverKeyHash } from "@localmodel/localmodel/contracts/server-key.ts";
import { permissionDenied } from "@localmodel/inference/refusals.ts";
import type { RequestHandler } from "express";

/** `hashes`: of the keys that open; none: everybody may ask. */
export function requireServerKey(hashes: readonly string[]): RequestHandler {
  const known = new Set(hashes);
  return (req, _res, next) => {
    // Hashes are compared, so the time that takes says nothing of a key.
    if (known.size > 0 && !known.has(serverKeyHash(req.get(SERVER_KEY_HEADER) ?? ""))) {
      throw permissionDenied("server_key_required", REFUSAL);
    }
    next();
  };
}

const REFUSAL =
  "This model server answers only the API service in front of it. Send the request there; for another way in, docs/docker.md describes the key.";
