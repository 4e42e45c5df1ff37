/**
 * The body of a request as the bytes that came, up to a limit.
 *
 * Compressed ones go through Express' own parser, and are bounded by what they unpack to.
 */
import { invalidRequest, requestTooLarge } from "@localmodel/openai/errors.ts";
import express, { type Request, type RequestHandler } from "express";

/** Leaves a Buffer in `req.body`. */
export function readBody(maxBytes: number): RequestHandler {
  // Any type here, so that a wrong one is refused in OpenAI's form and not taken for no body.
  const unpacked = express.raw({ type: () => true, limit: maxBytes });
  return (req, res, next) => {
    if (req.headers["content-encoding"] !== undefined) {
      unpacked(req, res, next);
    } else if (Number(req.headers["content-length"] ?? 0) > maxBytes) {
      next(requestTooLarge(maxBytes));
    } else {
      collect(req, maxBytes, (error) => next(error));
    }
  };
}

function collect(req: Request, maxBytes: number, done: (error?: Error) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const finish = (error?: Error): void => {
    req.off("data", take).off("end", end).off("aborted", cut).off("error", cut);
    done(error);
  };
  const take = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > maxBytes) return finish(requestTooLarge(maxBytes));
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
