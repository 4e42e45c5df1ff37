/**
 * Holds every key to its limits, and tells its client in the headers that SDKs read.
 *
 * Twice for each request: before its body, where most of those are refused that are too many, and after it, when it can
 * be guessed how many tokens it may cost. Where it is counted is the ledger's matter.
 */
import type { LimitLeft } from "@localmodel/inference/dialect.ts";
import type { Failure } from "@localmodel/inference/failure.ts";
import { rateLimited } from "@localmodel/inference/unavailability.ts";
import type { ApiKey } from "@localmodel/localmodel/contracts/api-keys.ts";
import { dialectOf } from "@localmodel/service/http/exchange.ts";
import type { RequestHandler, Response } from "express";
import type { Refusal } from "./allowance.ts";
import { contextOf } from "../request/context.ts";
import { Meter } from "../request/meter.ts";
import type { Entry, Ledger } from "./ledger.ts";

type KeyLimits = {
  /** Counts the request and lets it in. */
  readonly open: RequestHandler;
  /** Sets aside the tokens that it may cost. Follows `readReference`. */
  readonly reserve: RequestHandler;
};

export function limitKeys(ledger: Ledger): KeyLimits {
  const entries = new WeakMap<Response, Entry>();
  return {
    open: async (_req, res, next) => {
      const context = contextOf(res);
      const { key } = context;
      if (key === undefined) return next();
      const opening = await ledger.open(key);
      tell(res, opening.left);
      if ("refusal" in opening) throw failureOf(key, opening.refusal);
      const meter = new Meter(() => context.reference?.body.length ?? 0);
      const { entry } = opening;
      // Its client has gone meanwhile: nobody waits for anything, and nothing more would tell of it.
      if (res.closed) return entry.close(meter.tokens);
      context.meter = meter;
      entries.set(res, entry);
      res.once("close", () => entry.close(meter.tokens));
      next();
    },
    reserve: async (_req, res, next) => {
      const { key, reference } = contextOf(res);
      const refusal = reference && (await entries.get(res)?.reserve(reference.estimatedTokens));
      if (key !== undefined && refusal !== undefined) throw failureOf(key, refusal);
      next();
    },
  };
}

function tell(res: Response, left: readonly LimitLeft[]): void {
  res.set(limitHeaders(left));
  const dialect = dialectOf(res);
  for (const one of left) res.set(dialect.limitHeaders?.(one, new Date()) ?? {});
}

function failureOf({ name }: ApiKey, refusal: Refusal): Failure {
  return rateLimited(sentence(name, refusal), refusal.waitMs / 1000);
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
