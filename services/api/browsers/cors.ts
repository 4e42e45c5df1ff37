/**
 * Lets the web pages in that the configuration names, and no others: CORS.
 *
 * Without an answer here a browser neither shows a page what the service says, nor sends it a JSON body at
 * all. The question comes without a key, so this stands before keys are asked for.
 */
import type { Failure } from "@localmodel/inference/failure.ts";
import { permissionDenied } from "@localmodel/inference/refusals.ts";
import type { RequestHandler, Response } from "express";

const METHODS = "GET, POST";
const MAX_AGE_SECONDS = 600;

/** What SDKs send, and clients made for OpenRouter; `*` would not cover Authorization. */
const REQUEST_HEADERS =
  /^(?:authorization|content-type|accept|api-key|x-api-key|x-request-id|x-client-request-id|idempotency-key|traceparent|tracestate|openai-[\w-]+|anthropic-[\w-]+|x-stainless-[\w-]+|x-localmodel-wait|http-referer|x-title)$/;

const EXPOSED_HEADERS = [
  "anthropic-ratelimit-requests-limit",
  "anthropic-ratelimit-requests-remaining",
  "anthropic-ratelimit-requests-reset",
  "anthropic-ratelimit-tokens-limit",
  "anthropic-ratelimit-tokens-remaining",
  "anthropic-ratelimit-tokens-reset",
  "openai-processing-ms",
  "request-id",
  "retry-after",
  "retry-after-ms",
  "x-ignored-params",
  "x-ratelimit-limit-requests",
  "x-ratelimit-limit-tokens",
  "x-ratelimit-remaining-requests",
  "x-ratelimit-remaining-tokens",
  "x-ratelimit-reset-requests",
  "x-ratelimit-reset-tokens",
  "x-request-id",
  "x-should-retry",
].join(", ");

export function allowOrigins(origins: readonly string[]): RequestHandler {
  const isAllowed = (origin: string): boolean => origins.includes("*") || origins.includes(origin);
  return (req, res, next) => {
    const { origin } = req.headers;
    const asked = req.method === "OPTIONS" && req.get("access-control-request-method");
    if (origins.length > 0) res.vary("Origin");
    if (origin === undefined || !isAllowed(origin)) {
      return next(asked && origin !== undefined ? originRefused(origin) : undefined);
    }
    res.set({
      "access-control-allow-origin": origin,
      "access-control-expose-headers": EXPOSED_HEADERS,
    });
    if (!asked) return next();
    answerQuestion(res, req.get("access-control-request-headers") ?? "");
    return undefined;
  };
}

const ORIGIN_MAX_CHARACTERS = 128;

/** For whoever looks into the browser's tools: nothing but the status is shown to the page. */
function originRefused(origin: string): Failure {
  const shown = JSON.stringify(origin.slice(0, ORIGIN_MAX_CHARACTERS));
  return permissionDenied(
    "origin_not_allowed",
    `Web pages of ${shown} may not use this server. Whoever runs it can allow them with --cors (npm start) or api.config.cors.origins (chart).`,
  );
}

function answerQuestion(res: Response, requested: string): void {
  const names = requested.split(",").map((name) => name.trim().toLowerCase());
  res.vary("Access-Control-Request-Headers");
  res.set({
    "access-control-allow-methods": METHODS,
    "access-control-allow-headers": names.filter((name) => REQUEST_HEADERS.test(name)).join(", "),
    "access-control-max-age": String(MAX_AGE_SECONDS),
  });
  // Chrome asks this of servers on the visitor's own network.
  if (res.req.get("access-control-request-private-network") === "true") {
    res.set("access-control-allow-private-network", "true");
  }
  res.status(204).end();
}
