/**
 * The last middleware: whatever was thrown becomes an answer that the client's SDK can read, in its dialect.
 *
 * A response that has begun cannot become an error any more. Its connection is cut, because a clean end
 * would pass a broken answer off as a complete one.
 */
import { Failure, toFailure } from "@localmodel/inference/failure.ts";
import {
  methodNotAllowed,
  unknownUrl as unknownUrlFailure,
} from "@localmodel/inference/refusals.ts";
import type { ErrorRequestHandler, RequestHandler, Response } from "express";
import { dialectOf, failureContextOf } from "./exchange.ts";
import type { Logger } from "../log/log.ts";
import { logFieldsOf, markFailed } from "./server-span.ts";

export function answerErrors(log: Logger): ErrorRequestHandler {
  return (thrown, req, res, _next) => {
    const failure = toFailure(thrown);
    if (failure.status >= 500) {
      const { method, path } = req;
      markFailed(res, failure.code ?? String(failure.status));
      report(log.child({ ...logFieldsOf(res), method, path }), failure, thrown);
    }
    sendFailure(res, failure);
  };
}

/** Part of a server's normal life: who asks too early is told to ask again. */
const ROUTINE: ReadonlySet<string | null> = new Set(["model_loading", "shutting_down"]);

/** Expected failures explain themselves; only for the others is the cause worth a stack. */
function report(log: Logger, failure: Failure, thrown: unknown): void {
  const { message, code } = failure;
  if (!(thrown instanceof Failure)) log.error("the request failed", { error: thrown });
  else if (ROUTINE.has(code)) log.info(message, { code });
  else log.warn(message, { code });
}

/** Answers with the failure, or cuts the connection when an answer has already begun. */
function sendFailure(res: Response, failure: Failure): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const { status, headers, body } = dialectOf(res).failure(failure, failureContextOf(res));
  res.status(status).set(headers).json(body);
}

/** For what no route matched. */
export const unknownUrl: RequestHandler = (req, _res, next) => {
  next(unknownUrlFailure(req.method, req.path));
};

/** For a path that exists, mounted after its routes: says which methods it has. */
export function allowOnly(methods: readonly string[]): RequestHandler {
  return (req, _res, next) => {
    next(methodNotAllowed(req.method, methods));
  };
}
