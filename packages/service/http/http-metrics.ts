/**
 * What every HTTP server counts, under the names of OpenTelemetry's conventions.
 *
 * Durations go up to ten minutes, because answers of language models take that long.
 */
import { codeOf } from "@localmodel/inference/failure.ts";
import type { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import type { ErrorRequestHandler, RequestHandler } from "express";
import type { RouteOf } from "./http-route.ts";
import { errorTypeOf, methodOf, spanOf } from "./server-span.ts";

const SECONDS = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 25, 60, 120, 300, 600,
];

/** After `traceRequests`. Does nothing without a registry. */
export function measureRequests(
  registry: MetricRegistry | undefined,
  routeOf: RouteOf,
): RequestHandler {
  if (registry === undefined) return (_req, _res, next) => next();
  const durations = registry.histogram(
    "http.server.request.duration",
    "Duration of HTTP server requests.",
    SECONDS,
    { unit: "s" },
  );
  let active = 0;
  registry
    .gauge("http.server.active_requests", "Number of active HTTP server requests.")
    .observe({}, () => active);
  return (req, res, next) => {
    const startMs = performance.now();
    active += 1;
    res.once("close", () => {
      active -= 1;
      const route = routeOf(req.path);
      const errorType = errorTypeOf(res);
      const labels = {
        "http.request.method": methodOf(req),
        ...(route !== undefined && { "http.route": route }),
        ...(res.headersSent && { "http.response.status_code": String(res.statusCode) }),
        ...(errorType !== undefined && { "error.type": errorType }),
      };
      durations.observe(labels, (performance.now() - startMs) / 1000, spanOf(res));
    });
    next();
  };
}

/** Counts what is refused or failed here, by its code. Before `answerErrors`. */
export function countRejects(metrics: { rejected(reason: string): void }): ErrorRequestHandler {
  return (thrown, _req, _res, next) => {
    metrics.rejected(codeOf(thrown));
    next(thrown);
  };
}
