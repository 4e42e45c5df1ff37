/**
 * Holds every key to its limits, and tells its client in the headers that SDKs read.
 *
 * Twice for each request: before its body, where most of those are refused that are too many, and after it, when it can
 * be guessed how many tokens it may cost. Each replica of the API service counts for itself, and holds a key to its part
 * of the limits.
 */
import type { LimitLeft } from "@localmodel/inference/dialect.ts";
import type { Failure } from "@localmodel/inference/failure.ts";
import { rateLimited } from "@localmodel/inference/unavailability.ts";
import type { ApiKey } from "@localmodel/localmodel/contracts/api-keys.ts";
import { dialectOf } from "@localmodel/service/http/exchange.ts";
import type { RequestHandler } from "express";
import { shareOf } from "../gateways/gateway-count.ts";
import { Allowance, type Limits, type Refusal } from "./allowance.ts";
import type { TokenBucket } from "@localmodel/kube/time/token-bucket.ts";
import { contextOf } from "../request/context.ts";
import { Meter } from "../request/meter.ts";

type KeyLimits = {
  /** Counts the request and lets it in. */
  readonly open: RequestHandler;
  /** Sets aside the tokens that it may cost. Follows `readReference`. */
  readonly reserve: RequestHandler;
};

type LimitOptions = {
  readonly now?: (() => number) | undefined;
  /** Replicas of the API service, this one included. */
  readonly gateways?: (() => number) | undefined;
};

export function limitKeys({
  now = () => performance.now(),
  gateways = () => 1,
}: LimitOptions = {}): KeyLimits {
  /** By name, so that usage outlives a reload. */
  const allowances = new Map<string, Allowance>();
  return {
    open: (_req, res, next) => {
      const context = contextOf(res);
      const { key } = context;
      if (key === undefined) return next();
      const allowance = allowances.get(key.name) ?? new Allowance();
      allowances.set(key.name, allowance);
      allowance.adopt(partOf(key, gateways()), now());

      const refusal = allowance.open(now());
      const left = leftOf(allowance, now());
      res.set(limitHeaders(left));
      const dialect = dialectOf(res);
      for (const one of left) res.set(dialect.limitHeaders?.(one, new Date()) ?? {});
      if (refusal !== undefined) throw failureOf(key, refusal);
      const meter = new Meter(() => context.reference?.body.length ?? 0);
      context.meter = meter;
      res.once("close", () => {
        allowance.close({ used: meter.tokens, reserved: context.reservedTokens ?? 0 }, now());
      });
      next();
    },
    reserve: (_req, res, next) => {
      const context = contextOf(res);
      const { key, reference } = context;
      const allowance = key && allowances.get(key.name);
      if (key === undefined || allowance === undefined || reference === undefined) return next();
      const reserved = allowance.reserve(reference.estimatedTokens, now());
      if (typeof reserved !== "number") throw failureOf(key, reserved);
      context.reservedTokens = reserved;
      next();
    },
  };
}

function partOf(limits: Limits, gateways: number): Limits {
  const { requestsPerMinute, tokensPerMinute, concurrency } = limits;
  const part = (limit: number) => shareOf(limit, gateways);
  return {
    ...(requestsPerMinute !== undefined && { requestsPerMinute: part(requestsPerMinute) }),
    ...(tokensPerMinute !== undefined && { tokensPerMinute: part(tokensPerMinute) }),
    ...(concurrency !== undefined && { concurrency: part(concurrency) }),
  };
}

function failureOf({ name }: ApiKey, refusal: Refusal): Failure {
  return rateLimited(sentence(name, refusal), refusal.waitMs / 1000);
}

export function leftOf({ requests, tokens }: Allowance, nowMs: number): readonly LimitLeft[] {
  return [...leftIn("requests", requests, nowMs), ...leftIn("tokens", tokens, nowMs)];
}

/** None, where there is no limit. */
function leftIn(
  what: LimitLeft["what"],
  bucket: TokenBucket | undefined,
  nowMs: number,
): readonly LimitLeft[] {
  if (bucket === undefined) return [];
  const { burst: limit } = bucket;
  const fullInMs = bucket.waitMs(limit, nowMs);
  return [{ what, limit, remaining: bucket.remaining(nowMs), fullInMs }];
}

/** OpenAI's. */
export function limitHeaders(left: readonly LimitLeft[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    left.flatMap(({ what, limit, remaining, fullInMs }) => [
      [`x-ratelimit-limit-${what}`, String(limit)],
      [`x-ratelimit-remaining-${what}`, String(remaining)],
      [`x-ratelimit-reset-${what}`, duration(fullInMs)],
    ]),
  );
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
