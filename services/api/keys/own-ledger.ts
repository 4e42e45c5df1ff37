/**
 * What keys use, counted in this process alone: of every limit its replicas have a part each.
 */
import type { LimitLeft } from "@localmodel/inference/dialect.ts";
import type { TokenBucket } from "@localmodel/kube/time/token-bucket.ts";
import { shareOf } from "../gateways/gateway-count.ts";
import { Allowance, type Limits } from "./allowance.ts";
import type { Ledger } from "./ledger.ts";

type Options = {
  readonly now?: (() => number) | undefined;
  /** Replicas of the API service, this one included. */
  readonly gateways?: (() => number) | undefined;
};

export function ownLedger({
  now = () => performance.now(),
  gateways = () => 1,
}: Options = {}): Ledger {
  /** By name, so that usage outlives a reload. */
  const allowances = new Map<string, Allowance>();
  return {
    open: (key) => {
      const allowance = allowances.get(key.name) ?? new Allowance();
      allowances.set(key.name, allowance);
      allowance.adopt(partOf(key, gateways()), now());
      const refusal = allowance.open(now());
      const left = leftOf(allowance, now());
      return refusal === undefined ? { left, entry: entryIn(allowance, now) } : { left, refusal };
    },
  };
}

function entryIn(allowance: Allowance, now: () => number) {
  let reserved = 0;
  return {
    reserve: (estimatedTokens: number) => {
      const found = allowance.reserve(estimatedTokens, now());
      if (typeof found !== "number") return found;
      reserved = found;
      return undefined;
    },
    close: (used: number) => allowance.close({ used, reserved }, now()),
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
