/**
 * The headers that tell a client's SDK whether and when to try again: the official SDKs of several APIs are made by one
 * generator, and read the same ones.
 *
 * They repeat a request after 408, 409, 429 and every 5xx, unless `x-should-retry` says otherwise, and wait as long as
 * they are told, up to 60 seconds.
 */
import type { Failure } from "./failure.ts";

export function failureHeaders({ data }: Failure): Record<string, string> {
  const { kind, retry, allow } = data;
  return {
    ...(allow !== undefined && { allow: allow.join(", ") }),
    ...(kind === "unauthenticated" && { "www-authenticate": "Bearer" }),
    ...(retry === "never" && { "x-should-retry": "false" }),
    ...(typeof retry === "object" && retryAfter(retry.afterSeconds)),
    ...(typeof retry === "object" && kind === "unavailable" && { "x-should-retry": "true" }),
  };
}

const RETRY_AFTER_MIN_SECONDS = 1;
const RETRY_AFTER_MAX_SECONDS = 60;

/** Outside 1 to 60 seconds the SDKs ignore the header and guess. */
function retryAfter(seconds: number): Record<string, string> {
  const wanted = Number.isNaN(seconds) ? RETRY_AFTER_MIN_SECONDS : seconds;
  const bounded = Math.min(Math.max(wanted, RETRY_AFTER_MIN_SECONDS), RETRY_AFTER_MAX_SECONDS);
  return {
    "retry-after": String(Math.ceil(bounded)),
    "retry-after-ms": String(Math.ceil(bounded * 1000)),
  };
}
