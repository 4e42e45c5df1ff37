/**
 * OpenAI's dialects: their error object, and their server-sent events: `data: <json>` and a blank line, ended by `[DONE]`,
 * and those of responses, which have names instead.
 */
import type { Dialect, FailureContext, RequestNames } from "@localmodel/inference/dialect.ts";
import { type Failure, type FailureKind, PROMPT_FIELD } from "@localmodel/inference/failure.ts";
import { failureHeaders } from "@localmodel/inference/failure-headers.ts";
import { comment, DONE, frame, namedFrame } from "./sse.ts";

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

/** Which version of its API OpenAI says that it answers with. */
const headers: Dialect["headers"] = () => ({ "openai-version": "2020-10-01" });

const failureAnswer: Dialect["failure"] = (failure, context) => ({
  status: failure.status,
  headers: failureHeaders(failure),
  body: errorBody(failure, context),
});

export const openai: Dialect = {
  name: "openai",
  headers,
  timeHeader: "openai-processing-ms",
  failure: failureAnswer,
  stream: {
    contentType: "text/event-stream; charset=utf-8",
    comment,
    frame: ({ data }) => frame(data),
    end: DONE,
    failed: frame,
  },
};

/**
 * The dialect of responses: events have names and numbers, and the last one is the end. A comment follows it, which clients
 * skip, so that whoever passes the bytes on knows the end without reading events.
 */
export const openaiResponses: Dialect = {
  name: "openai-responses",
  headers,
  timeHeader: "openai-processing-ms",
  failure: failureAnswer,
  stream: {
    contentType: "text/event-stream; charset=utf-8",
    comment,
    frame: ({ event = "message", data }) => namedFrame(event, data),
    end: comment("done"),
    failed: (body, sentFrames) =>
      namedFrame("error", errorEvent(body as ErrorBody, sentFrames)) +
      (sentFrames > 0 ? "" : refusedEvent(body as ErrorBody)),
    numbersFrames: true,
  },
};

/**
 * OpenAI's document has the error's fields in the event itself; its servers send them in `error`, where its clients look
 * for what they throw.
 */
function errorEvent(body: ErrorBody, sequenceNumber: number): object {
  const { code, message, param } = body.error;
  return { type: "error", sequence_number: sequenceNumber, code, message, param, ...body };
}

/**
 * What was refused before it began has no response to say so in, yet Codex reads why it failed nowhere else. It follows the
 * error, at which other clients throw.
 */
function refusedEvent({ error, request_id: requestId = "" }: ErrorBody): string {
  const { code, message } = error;
  const response = {
    id: requestId.replace(/^req_/, "resp_"),
    object: "response",
    status: "failed",
    error: { code: code ?? "server_error", message },
    output: [],
  };
  return namedFrame("response.failed", { type: "response.failed", sequence_number: 1, response });
}

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
