/**
 * OpenAI's dialect: its error object, and its server-sent events: `data: <json>` and a blank line, ended by `[DONE]`.
 */
import type { Dialect, FailureContext, RequestNames } from "@localmodel/inference/dialect.ts";
import { type Failure, type FailureKind, PROMPT_FIELD } from "@localmodel/inference/failure.ts";
import { failureHeaders } from "@localmodel/inference/failure-headers.ts";
import { comment, DONE, frame } from "./sse.ts";

export type ErrorBody = {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
  /** Beside the error, whose fields are OpenAI's: under which names the logs and the traces have this request. */
  readonly request_id?: string;
  readonly trace_id?: string;
};

export const openai: Dialect = {
  name: "openai",
  failure: (failure, context) => ({
    status: failure.status,
    headers: failureHeaders(failure),
    body: errorBody(failure, context),
  }),
  stream: {
    contentType: "text/event-stream; charset=utf-8",
    comment,
    frame: ({ data }) => frame(data),
    end: DONE,
    failed: frame,
  },
};

/** The body of an error response, and of an error event inside a stream. */
export function errorBody(failure: Failure, { names, promptField }: FailureContext): ErrorBody {
  const { kind, code, field } = failure;
  const aboutPrompt = field?.startsWith(PROMPT_FIELD) === true && promptField !== undefined;
  const message = aboutPrompt
    ? failure.data.message.replaceAll(PROMPT_FIELD, promptField)
    : failure.message;
  const param = aboutPrompt ? field.replace(PROMPT_FIELD, promptField) : field;
  return { error: { message, type: ERROR_TYPES[kind], param, code }, ...identifiers(names) };
}

const ERROR_TYPES: Readonly<Record<FailureKind, string>> = {
  invalid: "invalid_request_error",
  unauthenticated: "invalid_request_error",
  forbidden: "permission_error",
  not_found: "invalid_request_error",
  method_not_allowed: "invalid_request_error",
  too_large: "invalid_request_error",
  unsupported_media_type: "invalid_request_error",
  rate_limited: "rate_limit_error",
  internal: "server_error",
  bad_gateway: "server_error",
  unavailable: "server_error",
  timed_out: "server_error",
};

function identifiers({ requestId, traceId }: RequestNames) {
  return {
    ...(requestId !== undefined && { request_id: requestId }),
    ...(traceId !== undefined && { trace_id: traceId }),
  };
}
