/**
 * Answers to what is not even an HTTP request: Node's parser gave up before Express saw anything.
 *
 * The answer is written by hand, because there is no response object; the connection ends with it,
 * because nobody knows where the next request would begin.
 */
import type { Duplex } from "node:stream";
import { Failure } from "@localmodel/inference/failure.ts";
import { FALLBACK_DIALECT } from "./exchange.ts";

type ParserError = Error & { readonly code?: string };

type Refusal = { readonly status: number; readonly phrase: string; readonly message: string };

const MALFORMED: Refusal = {
  status: 400,
  phrase: "Bad Request",
  message: "The request is not valid HTTP.",
};

const REFUSALS: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    phrase: "Request Header Fields Too Large",
    message: "The headers of the request are larger than this server accepts.",
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    phrase: "Request Timeout",
    message: "The request did not arrive in time.",
  },
};

/** For a server's "clientError" event. */
export function answerClientError(error: ParserError, socket: Duplex): void {
  // A client that hung up, or one to whom an answer is already under way, cannot be told anything. One whose
  // body does not come still can: its answer has not begun.
  const begun = "_httpMessage" in socket && hasBegun(socket._httpMessage);
  if (error.code === "ECONNRESET" || !socket.writable || begun) {
    socket.destroy();
    return;
  }
  socket.end(rawResponse(REFUSALS[error.code ?? ""] ?? MALFORMED), () => socket.destroy());
}

function hasBegun(response: unknown): boolean {
  if (typeof response !== "object" || response === null) return false;
  return !("headersSent" in response) || response.headersSent !== false;
}

function rawResponse({ status, phrase, message }: Refusal): string {
  const failure = new Failure({
    kind: "invalid",
    message,
    code: null,
    field: null,
    httpStatus: status,
  });
  const body = JSON.stringify(FALLBACK_DIALECT.failure(failure, { names: {} }).body);
  return [
    `HTTP/1.1 ${status} ${phrase}`,
    "content-type: application/json; charset=utf-8",
    `content-length: ${Buffer.byteLength(body)}`,
    "x-should-retry: false",
    "connection: close",
    "",
    body,
  ].join("\r\n");
}
