/**
 * What one key may still use, of three things: requests and tokens per minute, and open requests.
 *
 * Tokens are charged when they are known, after the answer. So requests that were let in together may
 * exceed the limit together; the debt is paid before the next one.
 */
import type { ApiKey } from "@localmodel/localmodel/contracts/api-keys.ts";
import { TokenBucket } from "@localmodel/kube/time/token-bucket.ts";

export type Limits = Pick<ApiKey, "requestsPerMinute" | "tokensPerMinute" | "concurrency">;

export type Refusal = {
  readonly what: "requests" | "tokens" | "concurrency";
  readonly limit: number;
  readonly waitMs: number;
};

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
    this.tokens = resized(this.tokens, tokensPerMinute, nowMs);
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

  /** Exactly once for each that was opened. */
  close(tokens: number, nowMs: number): void {
    this.#open -= 1;
    this.tokens?.draw(tokens, nowMs);
  }

  #refusal(nowMs: number): Refusal | undefined {
    const waits = [
      { what: "tokens", bucket: this.tokens },
      { what: "requests", bucket: this.requests },
    ] as const;
    for (const { what, bucket } of waits) {
      const waitMs = bucket?.waitMs(1, nowMs) ?? 0;
      if (bucket !== undefined && waitMs > 0) return { what, limit: bucket.burst, waitMs };
    }
    if (this.#open < this.#concurrency) return undefined;
    // When one of them ends, nobody knows.
    return { what: "concurrency", limit: this.#concurrency, waitMs: 1000 };
  }
}

function resized(
  bucket: TokenBucket | undefined,
  limit: number | undefined,
  nowMs: number,
): TokenBucket | undefined {
  if (limit === undefined) return undefined;
  const options = { perSecond: limit / 60, burst: limit };
  if (bucket === undefined) return new TokenBucket(options, nowMs);
  if (bucket.burst !== limit) bucket.resize(options, nowMs);
  return bucket;
}
