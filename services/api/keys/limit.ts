/**
 * Holds every key to its limits, and tells its client in the headers that SDKs read.
 *
 * Each replica of the API service counts for itself.
 */
import { rateLimited } from "@localmodel/inference/unavailability.ts";
import type { RequestHandler } from "express";
import { Allowance, type Refusal } from "./allowance.ts";
import type { TokenBucket } from "@localmodel/kube/time/token-bucket.ts";
import { contextOf } from "../request/context.ts";
import { Meter } from "../request/meter.ts";

export function limitKeys(now: () => number = () => performance.now()): RequestHandler {
  /** By name, so that usage outlives a reload. */
  const allowances = new Map<string, Allowance>();
  return (_req, res, next) => {
    const key = contextOf(res).key;
    if (key === undefined) return next();
    const allowance = allowances.get(key.name) ?? new Allowance();
    allowances.set(key.name, allowance);
    allowance.adopt(key, now());

    const refusal = allowance.open(now());
    res.set(limitHeaders(allowance, now()));
    if (refusal !== undefined)
      throw rateLimited(sentence(key.name, refusal), refusal.waitMs / 1000);
    const meter = new Meter();
    contextOf(res).meter = meter;
    res.once("close", () => allowance.close(meter.tokens, now()));
    next();
  };
}

export function limitHeaders(
  { requests, tokens }: Allowance,
  nowMs: number,
): Record<string, string> {
  return {
    ...bucketHeaders("requests", requests, nowMs),
    ...bucketHeaders("tokens", tokens, nowMs),
  };
}

function bucketHeaders(
  what: "requests" | "tokens",
  bucket: TokenBucket | undefined,
  nowMs: number,
): Record<string, string> {
  if (bucket === undefined) return {};
  return {
    [`x-ratelimit-limit-${what}`]: String(bucket.burst),
    [`x-ratelimit-remaining-${what}`]: String(bucket.remaining(nowMs)),
    [`x-ratelimit-reset-${what}`]: duration(bucket.waitMs(bucket.burst, nowMs)),
  };
}

/** As OpenAI writes it: "850ms", "12s", "6m0s". */
export function duration(ms: number): string {
  if (ms < 1000) return `${ms}ms`;
  const seconds = Math.ceil(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

function sentence(name: string, { what, limit, waitMs }: Refusal): string {
  const rule =
    what === "concurrency"
      ? `${limit} ${limit === 1 ? "request" : "requests"} at the same time`
      : `${limit} ${what} per minute`;
  return `Rate limit reached for key \`${name}\`: ${rule}. Please try again in ${duration(waitMs)}.`;
}
