/** Counts what the API service refuses or fails to do itself: what model servers answer is none of it. */
import { codeOf } from "@localmodel/openai/errors.ts";
import type { ErrorRequestHandler } from "express";
import type { ApiMetrics } from "./api-metrics.ts";

/** Before `answerErrors`. */
export function countRejects(metrics: ApiMetrics): ErrorRequestHandler {
  return (thrown, _req, _res, next) => {
    metrics.rejected(codeOf(thrown));
    next(thrown);
  };
}
