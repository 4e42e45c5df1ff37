/** In which ways a model server can fail to answer. What undici throws for it is known only here. */
import { errors } from "undici";

export type FailureKind =
  /** No connection, so nothing has been started. */
  | "unreachable"
  /** The connection ended before the answer did. */
  | "cut"
  | "timeout"
  /** What came is not HTTP. */
  | "garbage";

export class UpstreamFailure extends Error {
  readonly kind: FailureKind;
  /** The head of an answer had come. */
  readonly hasAnswered: boolean;

  constructor(kind: FailureKind, hasAnswered: boolean, cause: unknown) {
    super(`${kind}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = "UpstreamFailure";
    this.kind = kind;
    this.hasAnswered = hasAnswered;
  }
}

export function failureOf(error: unknown, hasAnswered: boolean): UpstreamFailure {
  return new UpstreamFailure(kindOf(error), hasAnswered, error);
}

const UNREACHABLE: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
]);

function kindOf(error: unknown): FailureKind {
  if (error instanceof errors.HeadersTimeoutError) return "timeout";
  if (error instanceof errors.HTTPParserError) return "garbage";
  if (error instanceof errors.HeadersOverflowError) return "garbage";
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return UNREACHABLE.has(code) ? "unreachable" : "cut";
}
