/**
 * Whether a failed request is sent again, and when.
 *
 * Two questions decide: may the server have acted on it (then only what may be done twice is repeated),
 * and is it likely to go better soon. What is left to the caller comes back to it by its own retries.
 */
import { ApiConnectionError, ApiStatusError } from "./api-errors.ts";

type RetryQuestion = {
  readonly error: unknown;
  /** How many times it has been sent. */
  readonly attempts: number;
  /** Doing it twice is the same as doing it once. */
  readonly repeatable: boolean;
  readonly random: () => number;
};

const MAX_ATTEMPTS = 5;
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5000;
/** Servers under load ask for seconds; whoever asks for more gets the caller's own patience. */
const MAX_RETRY_AFTER_MS = 30_000;

/** Undefined: give up. */
export function retryDelayMs({ error, attempts, repeatable, random }: RetryQuestion) {
  if (attempts >= MAX_ATTEMPTS || !mayRepeat(error, repeatable)) return undefined;
  const asked = error instanceof ApiStatusError ? error.retryAfterMs : undefined;
  if (asked !== undefined && asked > MAX_RETRY_AFTER_MS) return undefined;
  const backoffMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempts - 1));
  const jitteredMs = backoffMs * (1 + random());
  return Math.max(jitteredMs, asked ?? 0);
}

function mayRepeat(error: unknown, repeatable: boolean): boolean {
  if (error instanceof ApiConnectionError) return repeatable || neverSent(error.cause);
  if (!(error instanceof ApiStatusError)) return false;
  // Turned away before anything was done.
  if (error.code === 429) return true;
  if (!repeatable) return false;
  // Not 500: the API server answers with it to fields that server-side apply does not know.
  return error.code === 502 || error.code === 503 || error.code === 504;
}

const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"]);

function neverSent(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && NEVER_SENT.has(String(cause.code));
}
