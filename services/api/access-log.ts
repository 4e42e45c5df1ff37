/**
 * One line for each request, written when its response ends, however it ends.
 *
 * It says what happened, never what was said: no prompt, no answer, no key, no query string.
 */
import type { Logger } from "@localmodel/service/log.ts";
import { logFieldsOf } from "@localmodel/service/server-span.ts";
import type { RequestHandler, Response } from "express";

export type Notes = {
  /** Its name. */
  readonly key?: string;
  readonly model?: string;
  readonly endpoint?: string;
  readonly attempts?: number;
  /** In the queue, before the first attempt. */
  readonly waitedMs?: number;
  /** The answer broke after it had begun. */
  readonly outcome?: "broken";
};

/** Adds to the line of this request. */
export function note(res: Response, notes: Notes): void {
  res.locals["notes"] = { ...notesOf(res), ...notes };
}

export function accessLog(log: Logger): RequestHandler {
  return (req, res, next) => {
    const startMs = performance.now();
    const { method, path } = req;
    res.once("close", () => {
      const { outcome = res.writableFinished ? "complete" : "client gone", ...notes } =
        notesOf(res);
      log.info("request", {
        ...logFieldsOf(res),
        method,
        path,
        ...(res.headersSent && { status: res.statusCode }),
        outcome,
        durationMs: Math.round(performance.now() - startMs),
        ...notes,
      });
    });
    next();
  };
}

function notesOf(res: Response): Notes {
  return (res.locals["notes"] ?? {}) as Notes;
}
