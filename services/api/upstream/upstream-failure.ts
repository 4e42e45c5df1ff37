/**
 * In which ways a model server can fail to answer: what undici throws for it, what a client may know of it, and the one
 * word by which spans and metrics group it.
 */
import { codeOf, type Failure, toFailure } from "@localmodel/inference/failure.ts";
import { badGateway, engineFailed, timedOut } from "@localmodel/inference/unavailability.ts";
import { CLIENT_CLOSED } from "@localmodel/service/http/server-span.ts";
import { errors } from "undici";
import { ClientGone } from "./open-requests.ts";

type UpstreamFailureKind =
  /** No connection, so nothing has been started. */
  | "unreachable"
  /** The connection ended before the answer did. */
  | "cut"
  | "timeout"
  /** What came is not HTTP. */
  | "garbage"
  /** It is, with a status that no request can have led to. */
  | "unexpected"
  /** It answers nobody whose key it does not know, and this service's is unknown to it. */
  | "refused";

export class UpstreamFailure extends Error {
  readonly kind: UpstreamFailureKind;
  /** The head of an answer had come. */
  readonly hasAnswered: boolean;

  constructor(kind: UpstreamFailureKind, hasAnswered: boolean, cause: unknown) {
    super(`${kind}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = "UpstreamFailure";
    this.kind = kind;
    this.hasAnswered = hasAnswered;
  }
}

/** What undici threw. */
export function upstreamFailureOf(error: unknown, hasAnswered: boolean): UpstreamFailure {
  return new UpstreamFailure(kindOf(error), hasAnswered, error);
}

/** What the client is told. */
export function clientFailureOf(thrown: unknown): Failure {
  if (!(thrown instanceof UpstreamFailure)) return toFailure(thrown);
  switch (thrown.kind) {
    case "unreachable":
      return engineFailed("The server of this model could not be reached. Please retry.");
    case "cut":
      return engineFailed(
        "The server of this model ended the connection before its answer was complete. Please retry.",
      );
    case "timeout":
      return timedOut("The server of this model did not answer in time.");
    case "garbage":
      return badGateway("The server of this model sent an answer that is not valid HTTP.", {
        cause: thrown,
      });
    case "unexpected":
      return badGateway("The server of this model answered in a way that makes no sense here.", {
        cause: thrown,
      });
    case "refused":
      return badGateway(
        "The server of this model does not accept the key of this API service. Whoever runs the platform has to see to it that both follow from the same one.",
        { cause: thrown },
      );
  }
}

/** Every way an attempt or a request can fail, as one word. */
export function failureType(thrown: unknown): string {
  if (thrown instanceof ClientGone) return CLIENT_CLOSED;
  if (thrown instanceof UpstreamFailure) return thrown.kind;
  return codeOf(thrown);
}

const UNREACHABLE: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** What undici says of a 100 and a 101 that nobody has asked for. */
const UNASKED: ReadonlySet<string> = new Set(["bad response", "bad upgrade"]);

function kindOf(error: unknown): UpstreamFailureKind {
  if (error instanceof errors.HeadersTimeoutError) return "timeout";
  if (error instanceof errors.HTTPParserError) return "garbage";
  if (error instanceof errors.HeadersOverflowError) return "garbage";
  if (error instanceof errors.SocketError && UNASKED.has(error.message)) return "unexpected";
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return UNREACHABLE.has(code) ? "unreachable" : "cut";
}
