/**
 * How long a client waits for an answer before it gives up, as far as it says so: both official clients do.
 *
 * Whoever would give up while still in the queue is better told so at once. A stream has no such limit,
 * because its keep-alive comments keep the client waiting.
 */
import type { Request } from "express";

const TIMEOUT_HEADERS = ["x-stainless-timeout", "x-stainless-read-timeout"] as const;

export function patienceSeconds(req: Request, { stream }: { readonly stream?: boolean }): number {
  if (stream === true) return Infinity;
  const seconds = TIMEOUT_HEADERS.map((name) => Number(req.get(name))).find((value) => value > 0);
  return seconds ?? Infinity;
}
