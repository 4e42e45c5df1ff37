/**
 * How a call to the API server fails: it said no, or it said nothing.
 *
 * The server describes most refusals with a Status object, whose `reason` is meant for programs. What
 * stands in front of it (a load balancer, an overloaded filter) answers with text, and the HTTP status
 * has to do.
 */

type StatusCause = {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
};

type StatusDetails = {
  readonly name?: string;
  readonly kind?: string;
  readonly retryAfterSeconds?: number;
  readonly causes?: readonly StatusCause[];
};

/** The Status object of the API, as far as it is used. */
export type Status = {
  readonly kind?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: StatusDetails;
};

const REASONS: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  409: "Conflict",
  410: "Gone",
  413: "RequestEntityTooLarge",
  415: "UnsupportedMediaType",
  422: "Invalid",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};

const MESSAGE_MAX_CHARACTERS = 4096;

/** The server answered, and not with what was asked for. */
export class ApiStatusError extends Error {
  override readonly name = "ApiStatusError";
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails;
  /** How long the server asked to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(attempted: string, status: Status, retryAfterMs?: number) {
    const code = status.code ?? 500;
    const reason = status.reason || (REASONS[code] ?? "Unknown");
    const said = (status.message ?? "").slice(0, MESSAGE_MAX_CHARACTERS);
    super(`${attempted}: ${code} ${reason}${said === "" ? "" : `: ${said}`}`);
    this.code = code;
    this.reason = reason;
    this.details = status.details ?? {};
    const seconds = status.details?.retryAfterSeconds;
    this.retryAfterMs = retryAfterMs ?? (seconds === undefined ? undefined : seconds * 1000);
  }
}

/** No answer, or not all of it. A write may have happened nevertheless. */
export class ApiConnectionError extends Error {
  override readonly name = "ApiConnectionError";

  constructor(attempted: string, cause: unknown) {
    super(`${attempted}: ${describe(cause)}`, { cause });
  }
}

function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // Node reports a host with two addresses, both refusing, without a message of its own.
  return cause.message || ("code" in cause ? String(cause.code) : cause.name);
}

function hasReason(error: unknown, ...reasons: readonly string[]): boolean {
  return error instanceof ApiStatusError && reasons.includes(error.reason);
}

export function isNotFound(error: unknown): boolean {
  return hasReason(error, "NotFound");
}

/** Somebody has created an object of this name before. */
export function isAlreadyThere(error: unknown): boolean {
  return hasReason(error, "AlreadyExists");
}

export function isConflict(error: unknown): boolean {
  return hasReason(error, "Conflict");
}

/** Nothing more is made in a namespace that is being deleted. */
export function isNamespaceEnding(error: unknown): boolean {
  return (
    error instanceof ApiStatusError &&
    (error.details.causes ?? []).some(({ reason }) => reason === "NamespaceTerminating")
  );
}

/** The version or the continue token that was asked for is no longer kept. */
export function isExpired(error: unknown): boolean {
  return hasReason(error, "Expired", "Gone");
}

/** The version that was asked for lies in the server's future: it was restored, or lags behind another. */
export function isVersionTooLarge(error: unknown): boolean {
  return (
    error instanceof ApiStatusError &&
    (error.details.causes ?? []).some(({ reason }) => reason === "ResourceVersionTooLarge")
  );
}
