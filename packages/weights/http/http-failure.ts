/**
 * What an HTTP status other than success means for a download, and what a person can do about it.
 *
 * The Hub says in `x-error-code` what its 401 and 404 really mean (it answers 401 for a repository that
 * does not exist, too). Nothing else of an answer is repeated: it may come from where whoever reads this may not look.
 */
import type { WeightsFailureReason } from "../source/weights-error.ts";
import type { ResponseHeaders } from "./web-client.ts";

export type HttpAnswer = { readonly status: number; readonly headers: ResponseHeaders };

export type HttpFailure =
  | { readonly kind: "later"; readonly message: string; readonly afterMs?: number }
  | { readonly kind: "never"; readonly reason: WeightsFailureReason; readonly message: string };

const HUB_CODES: Readonly<Record<string, HttpFailure>> = {
  GatedRepo: never(
    "Unauthorized",
    "the repository is gated: accept its terms on the model's page, and give a token of that account: tokenSecretRef, or HF_TOKEN on one machine",
  ),
  RepoNotFound: never(
    "NotFound",
    "there is no such repository, or it is private: check the name, or give a token that may read it: tokenSecretRef, or HF_TOKEN on one machine",
  ),
  RevisionNotFound: never("NotFound", "the repository has no such revision; check source.revision"),
  EntryNotFound: never("NotFound", "the revision has no such file; check the file's name"),
};

const REGION = /^[a-z]{2}(-[a-z]{2,10}){1,3}-[0-9]{1,2}$/;

export function failureOfStatus({ status, headers }: HttpAnswer): HttpFailure {
  const code = headers["x-error-code"];
  const known = code === undefined ? undefined : HUB_CODES[code];
  if (known?.kind === "never") return { ...known, message: `status ${status}: ${known.message}` };
  const store = failureOfStore(status, headers);
  if (store !== undefined) return { ...store, message: `status ${status}: ${store.message}` };
  const { message, ...failure } = byStatus(status);
  const afterMs = parseRetryAfter(headers["retry-after"]);
  const wait = failure.kind === "later" && afterMs !== undefined ? { afterMs } : {};
  return { ...failure, ...wait, message: `status ${status}: ${message}` };
}

/** What S3 and its like mean by an answer, where it differs from what it says. */
function failureOfStore(status: number, headers: ResponseHeaders) {
  const region = headers["x-amz-bucket-region"];
  if (region !== undefined && (status === 301 || status === 400)) {
    const named = REGION.test(region) ? `the region ${region}` : "another region";
    return never("InvalidSource", `the bucket is in ${named}; set s3.region`);
  }
  if (status === 403 && headers["x-amz-request-id"] !== undefined) {
    return never(
      "Unauthorized",
      "access is denied, or there is no such object: check the credentials, the region, the bucket and the key",
    );
  }
  return undefined;
}

function byStatus(status: number): HttpFailure {
  if (status === 401) {
    return never(
      "Unauthorized",
      "credentials are missing or wrong; name a Secret in the source, or set HF_TOKEN on one machine",
    );
  }
  if (status === 403 || status === 407) {
    return never("Unauthorized", "access is denied; check the credentials and the proxy");
  }
  if (status === 404 || status === 410) return never("NotFound", "there is no such file");
  if (status === 429) return later("too many requests");
  if (status === 408 || status === 425 || (status >= 500 && status !== 501 && status !== 505)) {
    return later("the server cannot answer now");
  }
  return never("SourceUnavailable", "not an answer to a download request");
}

/** Seconds or a date (RFC 9110), as a wait. */
export function parseRetryAfter(
  value: string | undefined,
  nowMs: number = Date.now(),
): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

function later(message: string): HttpFailure {
  return { kind: "later", message };
}

function never(
  reason: Extract<HttpFailure, { kind: "never" }>["reason"],
  message: string,
): HttpFailure {
  return { kind: "never", reason, message };
}
