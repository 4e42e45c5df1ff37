/**
 * The last middleware: whatever was thrown becomes an answer OpenAI's clients can read.
 *
 * A response that has begun cannot become an error any more. Its connection is cut, because a clean end
 * would pass a broken answer off as a complete one.
 */
import {
  errorBody,
  invalidRequest,
  methodNotAllowed,
  OpenAIError,
  requestTooLarge,
  toOpenAIError,
  unknownUrl as unknownUrlError,
  unsupportedMediaType,
} from "@localmodel/openai/errors.ts";
import type { ErrorRequestHandler, RequestHandler, Response } from "express";
import type { Logger } from "./log.ts";
import { logFieldsOf, markFailed, namesOf } from "./server-span.ts";

export function answerErrors(log: Logger): ErrorRequestHandler {
  return (thrown, req, res, _next) => {
    const error = isBodyError(thrown)
      ? fromBodyError(thrown, req.get("content-type"))
      : toOpenAIError(thrown);
    if (error.status >= 500) {
      const { method, path } = req;
      markFailed(res, error.code ?? String(error.status));
      report(log.child({ ...logFieldsOf(res), method, path }), error, thrown);
    }
    sendError(res, error);
  };
}

/** Part of a server's normal life: who asks too early is told to ask again. */
const ROUTINE: ReadonlySet<string | null> = new Set(["model_loading", "shutting_down"]);

/** Expected failures explain themselves; only for the others is the cause worth a stack. */
function report(log: Logger, error: OpenAIError, thrown: unknown): void {
  const { message, code } = error;
  if (!(thrown instanceof OpenAIError)) log.error("the request failed", { error: thrown });
  else if (ROUTINE.has(code)) log.info(message, { code });
  else log.warn(message, { code });
}

/** Answers with the error, or cuts the connection when an answer has already begun. */
export function sendError(res: Response, error: OpenAIError): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  res
    .status(error.status)
    .set(error.headers)
    .json(errorBody(error, namesOf(res)));
}

/** For what no route matched. */
export const unknownUrl: RequestHandler = (req, _res, next) => {
  next(unknownUrlError(req.method, req.path));
};

/** For a path that exists, mounted after its routes: says which methods it has. */
export function allowOnly(methods: readonly string[]): RequestHandler {
  return (req, _res, next) => {
    next(methodNotAllowed(req.method, methods));
  };
}

/** What Express' body parsers throw: `type` says what went wrong. */
type BodyError = Error & {
  readonly type: string;
  readonly limit?: number;
  readonly encoding?: string;
  readonly charset?: string;
};

function isBodyError(thrown: unknown): thrown is BodyError {
  return thrown instanceof Error && "type" in thrown && !(thrown instanceof OpenAIError);
}

function fromBodyError(error: BodyError, contentType: string | undefined): OpenAIError {
  switch (error.type) {
    case "entity.too.large":
      return requestTooLarge(error.limit ?? 0);
    case "entity.parse.failed":
      return invalidRequest(null, `The body of the request is not valid JSON: ${error.message}.`);
    case "encoding.unsupported":
      return unsupportedEncoding(error.encoding ?? "unknown");
    case "charset.unsupported":
      return unsupportedMediaType(contentType);
    case "request.aborted":
    case "request.size.invalid":
      return invalidRequest(null, "The body of the request ended before its Content-Length.");
    default:
      return toOpenAIError(error);
  }
}

function unsupportedEncoding(encoding: string): OpenAIError {
  return new OpenAIError({
    status: 415,
    message: `The content encoding '${encoding.slice(0, 64)}' is not supported. Send the body uncompressed, or as gzip, deflate or br.`,
    type: "invalid_request_error",
    code: "unsupported_media_type",
    param: null,
    headers: { "x-should-retry": "false" },
  });
}
