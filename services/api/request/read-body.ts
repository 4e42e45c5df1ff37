/**
 * The body of a request as the bytes that came, up to a limit for each and one for all together.
 *
 * Compressed ones go through Express' own parser, and are bounded by what they unpack to.
 */
import { invalidRequest, requestTooLarge } from "@localmodel/inference/refusals.ts";
import { overloaded } from "@localmodel/inference/unavailability.ts";
import express, { type Request, type RequestHandler } from "express";
import type { BodyMemory, BodyShare } from "./body-memory.ts";

/** Leaves a Buffer in `req.body`. */
export function readBody(maxBytes: number, memory: BodyMemory): RequestHandler {
  // Any type here, so that a wrong one is refused in OpenAI's form and not taken for no body.
  const unpacked = express.raw({ type: () => true, limit: maxBytes });
  return (req, res, next) => {
    const share = memory.shareOf(res);
    if (req.headers["content-encoding"] !== undefined) {
      // What it unpacks to is not known before.
      if (!share.grow(maxBytes)) return next(overloaded());
      unpacked(req, res, (error) => {
        share.settle(Buffer.isBuffer(req.body) ? req.body.length : 0);
        next(error);
      });
    } else if (Number(req.headers["content-length"] ?? 0) > maxBytes) {
      next(requestTooLarge(maxBytes));
    } else {
      collect(req, { maxBytes, share }, (error) => next(error));
    }
  };
}

type Bounds = { readonly maxBytes: number; readonly share: BodyShare };

function collect(req: Request, { maxBytes, share }: Bounds, done: (error?: Error) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const finish = (error?: Error): void => {
    req.off("data", take).off("end", end).off("aborted", cut).off("error", cut);
    done(error);
  };
  const take = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > maxBytes) return finish(requestTooLarge(maxBytes));
    if (!share.grow(chunk.length)) return finish(overloaded());
    chunks.push(chunk);
  };
  const end = (): void => {
    const [only] = chunks;
    req.body = only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks, bytes);
    finish();
  };
  const cut = (): void => {
    // What follows is an echo of the same.
    req.on("error", () => {});
    finish(invalidRequest(null, "The body of the request ended before its Content-Length."));
  };
  req.on("data", take).on("end", end).on("aborted", cut).on("error", cut);
}
