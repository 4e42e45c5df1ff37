/**
 * One line for each request, written when its response ends, however it ends.
 *
 * It says what happened, never what was said: no prompt, no answer, no key, no query string.
 */
import type { Logger } from "@localmodel/service/log/log.ts";
import { logFieldsOf } from "@localmodel/service/http/server-span.ts";
import type { RequestHandler } from "express";
import { contextOf } from "./context.ts";

export function accessLog(log: Logger): RequestHandler {
  return (req, res, next) => {
    const startMs = performance.now();
    const { method, path } = req;
    res.once("close", () => {
      const { outcome = res.writableFinished ? "complete" : "client gone", ...notes } =
        contextOf(res).notes;
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
