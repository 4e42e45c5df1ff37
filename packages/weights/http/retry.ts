/**
 * How often and how soon a failed request is repeated.
 *
 * Failures are counted since the last new byte, so a bad line that keeps delivering is never given up
 * before the overall deadline. With another source to turn to, patience is short.
 */
import type { NetworkFailure } from "./network-failure.ts";

export type RetryPolicy = {
  /** Retries in a row without a new byte, when there is no other source. */
  readonly retries: number;
  /** The same when there is another source. */
  readonly retriesWithAlternative: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
};

export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  retries: 6,
  retriesWithAlternative: 2,
  firstDelayMs: 500,
  maxDelayMs: 30_000,
};

/** A server that asks for more patience than this is asked again anyway. */
const MAX_RETRY_AFTER_MS = 300_000;

export type Failed = {
  /** How many times in a row, this one included. */
  readonly failures: number;
  readonly kind: NetworkFailure["kind"] | "stalled" | "later";
  /** What the server asked for. */
  readonly afterMs?: number;
  readonly hasAlternative: boolean;
};

/** How long to wait before the next try; undefined to give up. */
export function retryDelayMs(failed: Failed, policy: RetryPolicy): number | undefined {
  const { failures, kind, afterMs, hasAlternative } = failed;
  if (kind === "refused") return undefined;
  if (failures > retriesFor(failed, policy)) return undefined;
  const delay = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (failures - 1));
  if (afterMs === undefined || afterMs <= delay) return delay;
  if (hasAlternative && afterMs > policy.maxDelayMs) return undefined;
  return Math.min(afterMs, MAX_RETRY_AFTER_MS);
}

function retriesFor({ kind, hasAlternative }: Failed, policy: RetryPolicy): number {
  if (!hasAlternative) return policy.retries;
  // Each of these costs a whole timeout; the alternative may be quicker.
  if (kind === "timeout") return 0;
  return Math.min(kind === "stalled" ? 1 : Infinity, policy.retriesWithAlternative);
}
