/**
 * Which headers pass the API service, as allow-lists in both directions.
 *
 * Keys and cookies of clients are none of a model server's business, and no client may speak in the name
 * of the API service (`x-localmodel-*`).
 */
import { TENANT_HEADER } from "@localmodel/localmodel/internal-headers.ts";
import { REQUEST_ID_HEADER, requestIdOf } from "@localmodel/service/request-id.ts";
import type { Request, Response } from "express";
import { tenantOf } from "./keys/caller.ts";

const REQUEST_HEADERS = [
  "accept",
  "content-type",
  "traceparent",
  "tracestate",
  "x-stainless-read-timeout",
  "x-stainless-retry-count",
  "x-stainless-timeout",
] as const;

const RESPONSE_HEADERS = [
  "allow",
  "cache-control",
  "content-length",
  "content-type",
  "openai-processing-ms",
  "openai-version",
  "retry-after",
  "retry-after-ms",
  "x-accel-buffering",
  "x-ignored-params",
  "x-model-instance",
  "x-queue-ms",
  "x-should-retry",
  "x-ttft-ms",
] as const;

export function upstreamHeaders(req: Request, res: Response): Record<string, string> {
  const forwarded = REQUEST_HEADERS.flatMap((name) => {
    const value = req.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const tenant = tenantOf(res);
  return {
    ...Object.fromEntries(forwarded),
    [REQUEST_ID_HEADER]: requestIdOf(res),
    ...(tenant !== "" && { [TENANT_HEADER]: tenant }),
    // Usage comes in one.
    te: "trailers",
  };
}

export function clientHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string | string[]> {
  return Object.fromEntries(
    RESPONSE_HEADERS.flatMap((name) => {
      const value = headers[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}
