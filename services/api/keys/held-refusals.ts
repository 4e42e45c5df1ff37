/**
 * Refusals beyond what clients that wait for Retry-After ever get are answered later.
 *
 * A client that asks again as soon as it is told 429 could keep the service busy with saying no. So each has only so many
 * in a second at once; the others wait for another one, and a connection gets one of these in that time. Nobody else waits.
 */
import { toFailure } from "@localmodel/inference/failure.ts";
import type { ErrorRequestHandler, Request, Response } from "express";

const WINDOW_MS = 1000;
const AT_ONCE_MAX = 20;
const HOLD_MS = 1000;

/** `ownerOf`: whose refusal it is, as for the memory of bodies. */
export function holdRefusals(
  ownerOf: (req: Request, res: Response) => string,
  now: () => number = () => performance.now(),
): ErrorRequestHandler {
  /** Of this second, so that it does not grow with the number of addresses there are. */
  const refused = new Map<string, number>();
  let sinceMs = now();
  return (error, req, res, next) => {
    if (res.headersSent || toFailure(error).kind !== "rate_limited") return next(error);
    if (now() - sinceMs >= WINDOW_MS) {
      refused.clear();
      sinceMs = now();
    }
    const owner = ownerOf(req, res);
    const count = (refused.get(owner) ?? 0) + 1;
    refused.set(owner, count);
    if (count <= AT_ONCE_MAX) return next(error);
    const held = setTimeout(next, HOLD_MS, error);
    res.once("close", () => clearTimeout(held));
  };
}
