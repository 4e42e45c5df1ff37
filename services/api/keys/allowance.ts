/**
 * What one key may still use, of three things: requests and tokens per minute, and open requests.
 *
 * Tokens are known after the answer, so as many as a request may cost are set aside when it is let in, and what it did
 * cost is settled when it ends. An estimate may be too low, and one request may cost more than a minute gives: that
 * debt is paid before the next one, up to a bound, so that no request locks its key out for hours.
 */
import type { ApiKey } from "@localmodel/localmodel/contracts/api-keys.ts";
import { TokenBucket } from "@localmodel/kube/time/token-bucket.ts";

export type Limits = Pick<ApiKey, "requestsPerMinute" | "tokensPerMinute" | "concurrency">;

export type Refusal = {
  readonly what: "requests" | "tokens" | "concurrency";
  readonly limit: number;
  readonly waitMs: number;
};

const DEBT_MAX_MINUTES = 10;

export class Allowance {
  requests: TokenBucket | undefined;
  tokens: TokenBucket | undefined;
  #concurrency = Infinity;
  #open = 0;

  /** Also while it is in use: keys may change at any time. */
  adopt(
    { requestsPerMinute, tokensPerMinute, concurrency = Infinity }: Limits,
    nowMs: number,
  ): void {
    this.requests = resized(this.requests, requestsPerMinute, nowMs);
    this.tokens = resized(this.tokens, tokensPerMinute, nowMs, DEBT_MAX_MINUTES);
    this.#concurrency = concurrency;
  }

  /** Takes one request, or nothing and says why not. */
  open(nowMs: number): Refusal | undefined {
    const refusal = this.#refusal(nowMs);
    if (refusal !== undefined) return refusal;
    this.requests?.draw(1, nowMs);
    this.#open += 1;
    return undefined;
  }

  /**
   * Sets tokens aside for a request that is open, a minute's worth at most: how many it were, or why there are none.
   * One that may cost more than is left is let in, as otherwise none could that may cost more than a minute gives.
   */
  reserve(estimatedTokens: number, nowMs: number): number | Refusal {
    if (this.tokens === undefined) return 0;
    const refusal = refusalBy("tokens", this.tokens, nowMs);
    if (refusal !== undefined) return refusal;
    const tokens = Math.min(estimatedTokens, this.tokens.burst);
    this.tokens.draw(tokens, nowMs);
    return tokens;
  }

  /** Exactly once for each that was opened. */
  close(tokens: { readonly used: number; readonly reserved: number }, nowMs: number): void {
    this.#open -= 1;
    this.tokens?.draw(tokens.used - tokens.reserved, nowMs);
  }

  #refusal(nowMs: number): Refusal | undefined {
    const refusal =
      refusalBy("tokens", this.tokens, nowMs) ?? refusalBy("requests", this.requests, nowMs);
    if (refusal !== undefined) return refusal;
    if (this.#open < this.#concurrency) return undefined;
    // When one of them ends, nobody knows.
    return { what: "concurrency", limit: this.#concurrency, waitMs: 1000 };
  }
}

function refusalBy(
  what: "requests" | "tokens",
  bucket: TokenBucket | undefined,
  nowMs: number,
): Refusal | undefined {
  const waitMs = bucket?.waitMs(1, nowMs) ?? 0;
  return bucket === undefined || waitMs === 0 ? undefined : { what, limit: bucket.burst, waitMs };
}

function resized(
  bucket: TokenBucket | undefined,
  limit: number | undefined,
  nowMs: number,
  debtMaxMinutes = Infinity,
): TokenBucket | undefined {
  if (limit === undefined) return undefined;
  const options = { perSecond: limit / 60, burst: limit, debtMax: debtMaxMinutes * limit };
  if (bucket === undefined) return new TokenBucket(options, nowMs);
  if (bucket.burst !== limit) bucket.resize(options, nowMs);
  return bucket;
}
