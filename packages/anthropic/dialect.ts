/**
 * Anthropic's dialect: its error object, and its server-sent events, which are named by their type and end with
 * `message_stop`. What keeps an idle stream open is an event of its own, `ping`.
 */
import type { Dialect, FailureContext } from "@localmodel/inference/dialect.ts";
import { type Failure, type FailureKind, PROMPT_FIELD } from "@localmodel/inference/failure.ts";
import { failureHeaders } from "@localmodel/inference/failure-headers.ts";
import { namedFrame } from "@localmodel/openai/sse.ts";

type ErrorBody = {
  readonly type: "error";
  readonly error: { readonly type: string; readonly message: string };
  readonly request_id?: string;
};

export const anthropic: Dialect = {
  name: "anthropic",
  headers: ({ requestId }) => (requestId === undefined ? {} : { "request-id": requestId }),
  limitHeaders: ({ what, limit, remaining, fullInMs }, now) => ({
    [`anthropic-ratelimit-${what}-limit`]: String(limit),
    [`anthropic-ratelimit-${what}-remaining`]: String(remaining),
    [`anthropic-ratelimit-${what}-reset`]: secondAfter(now, fullInMs),
  }),
  failure: (failure, context) => ({
    status: failure.status,
    headers: failureHeaders(failure),
    body: errorBody(failure, context),
  }),
  stream: {
    contentType: "text/event-stream; charset=utf-8",
    comment: () => namedFrame("ping", { type: "ping" }),
    frame: ({ event = "message", data }) => namedFrame(event, data),
    end: namedFrame("message_stop", { type: "message_stop" }),
    failed: (body) => namedFrame("error", body),
  },
};

/** Up to the whole second, as Anthropic writes times. */
function secondAfter(now: Date, ms: number): string {
  const seconds = Math.ceil((now.getTime() + ms) / 1000);
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

/** The body of an error response, and the data of an error event inside a stream. */
function errorBody(failure: Failure, { names, promptField }: FailureContext): ErrorBody {
  const { requestId } = names;
  const { message } = failure.data;
  const said =
    promptField === undefined ? failure.message : message.replaceAll(PROMPT_FIELD, promptField);
  return {
    type: "error",
    error: { type: errorType(failure), message: said },
    ...(requestId !== undefined && { request_id: requestId }),
  };
}

/** Anthropic's servers are overloaded where ours load, restart or shut down: what passes by itself. */
function errorType({ kind, data }: Failure): string {
  return kind === "unavailable" && data.retry === "never" ? "api_error" : ERROR_TYPES[kind];
}

const ERROR_TYPES: Readonly<Record<FailureKind, string>> = {
  invalid: "invalid_request_error",
  unauthenticated: "authentication_error",
  forbidden: "permission_error",
  not_found: "not_found_error",
  method_not_allowed: "invalid_request_error",
  too_large: "request_too_large",
  unsupported_media_type: "invalid_request_error",
  rate_limited: "rate_limit_error",
  internal: "api_error",
  bad_gateway: "api_error",
  unavailable: "overloaded_error",
  timed_out: "timeout_error",
};
