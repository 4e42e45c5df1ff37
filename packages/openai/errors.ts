/**
 * Every way a request can fail, as OpenAI's clients understand it.
 *
 * What matters is not the text but what a client does next: the official SDKs repeat a request after 408,
 * 409, 429 and every 5xx. So what would fail again is a 4xx or says `x-should-retry: false`, and what is
 * worth repeating says when, within the 60 seconds the SDKs are willing to wait.
 */

export type ErrorType =
  | "invalid_request_error"
  | "permission_error"
  | "rate_limit_error"
  | "server_error";

/** An error as plain data: what crosses a process boundary. */
export type OpenAIErrorData = {
  readonly status: number;
  readonly message: string;
  readonly type: ErrorType;
  readonly code: string | null;
  readonly param: string | null;
  readonly headers: Readonly<Record<string, string>>;
};

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

/** What a request is called. */
export type RequestNames = Pick<ErrorBody, "request_id" | "trace_id">;

export class OpenAIError extends Error {
  readonly status: number;
  readonly type: ErrorType;
  readonly code: string | null;
  readonly param: string | null;
  /** Response headers that belong to this answer, in lower case. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(data: OpenAIErrorData, options?: ErrorOptions) {
    super(data.message, options);
    this.name = "OpenAIError";
    this.status = data.status;
    this.type = data.type;
    this.code = data.code;
    this.param = data.param;
    this.headers = data.headers;
  }

  /** The inverse of `fromData`. */
  toJSON(): OpenAIErrorData {
    const { status, message, type, code, param, headers } = this;
    return { status, message, type, code, param, headers };
  }
}

export function fromData(data: OpenAIErrorData): OpenAIError {
  return new OpenAIError(data);
}

/** What was thrown, as one word from a short list. */
export function codeOf(thrown: unknown): string {
  const { code, status } = toOpenAIError(thrown);
  return code ?? String(status);
}

/** The body of an error response, and of an error event inside a stream. */
export function errorBody(error: OpenAIError, names: RequestNames = {}): ErrorBody {
  const { message, type, param, code } = error;
  return { error: { message, type, param, code }, ...names };
}

/**
 * What a client may know of anything that was thrown. Errors that middleware marked as meant for the
 * client (`expose`, the convention of `http-errors`) keep their 4xx; the rest becomes one fixed sentence.
 */
export function toOpenAIError(thrown: unknown): OpenAIError {
  if (thrown instanceof OpenAIError) return thrown;
  if (isExposedHttpError(thrown)) {
    return refusal({ status: thrown.status, code: null, param: null }, thrown.message);
  }
  return internal({ cause: thrown });
}

function isExposedHttpError(thrown: unknown): thrown is Error & { status: number } {
  if (!(thrown instanceof Error) || !("status" in thrown)) return false;
  const { status } = thrown;
  return typeof status === "number" && status >= 400 && status < 500 && isExposed(thrown);
}

/** Express' router throws its 400 for a malformed path without `expose`. */
function isExposed(error: Error): boolean {
  return ("expose" in error && error.expose === true) || error instanceof URIError;
}

// ---------------------------------------------------------------- The request is wrong: never repeat it

export function invalidRequest(
  param: string | null,
  message: string,
  code: string | null = null,
): OpenAIError {
  return refusal({ status: 400, code, param }, message);
}

export function missingParameter(param: string): OpenAIError {
  return invalidRequest(
    param,
    `Missing required parameter: '${param}'.`,
    "missing_required_parameter",
  );
}

export type ContextOverflow = {
  readonly limit: number;
  readonly prompt: number;
  /** Tokens the request reserves for the answer, if it is the sum that does not fit. */
  readonly completion?: number;
  readonly param: "messages" | "prompt" | "input";
};

/** Agents look for these sentences to know when to shorten a conversation. */
export function contextLengthExceeded(overflow: ContextOverflow): OpenAIError {
  const { limit, prompt, completion, param } = overflow;
  const cause =
    completion === undefined
      ? `your ${param} resulted in ${prompt} tokens. Please reduce the length of the ${param}.`
      : `you requested ${prompt + completion} tokens (${prompt} in the ${param}, ${completion} in the ` +
        `completion). Please reduce the length of the ${param} or completion.`;
  return invalidRequest(
    param,
    `This model's maximum context length is ${limit} tokens. However, ${cause}`,
    "context_length_exceeded",
  );
}

/** The model exists and cannot do this: 400, because a 501 would be repeated. */
export function modelNotCapable(message: string): OpenAIError {
  return invalidRequest("model", message, "model_not_capable");
}

const NAMED_MODELS_MAX = 20;

export function modelNotFound(id: string, known: readonly string[]): OpenAIError {
  const listed = known.slice(0, NAMED_MODELS_MAX).map((name) => `\`${name}\``);
  const more = known.length > listed.length ? `, and ${known.length - listed.length} more` : "";
  const available =
    listed.length === 0
      ? "No model is available."
      : `Available models: ${listed.join(", ")}${more}.`;
  return refusal(
    { status: 404, code: "model_not_found", param: "model" },
    `The model \`${shortened(id)}\` does not exist or you do not have access to it. ${available}`,
  );
}

export function unknownUrl(method: string, path: string): OpenAIError {
  return refusal(
    { status: 404, code: "unknown_url", param: null },
    `Unknown request URL: ${method} ${shortened(path)}. Please check the URL for typos.`,
  );
}

export function methodNotAllowed(method: string, allowed: readonly string[]): OpenAIError {
  const allow = allowed.join(", ");
  return refusal(
    { status: 405, code: "method_not_allowed", param: null, headers: { allow } },
    `Not allowed to ${shortened(method)} on this URL. Allowed: ${allow}.`,
  );
}

export function requestTooLarge(limitBytes: number): OpenAIError {
  return refusal(
    { status: 413, code: "request_too_large", param: null },
    `The request body is larger than the ${limitBytes} bytes this server accepts.`,
  );
}

export function unsupportedMediaType(contentType: string | undefined): OpenAIError {
  const found = contentType === undefined ? "has none" : `is '${shortened(contentType)}'`;
  return refusal(
    { status: 415, code: "unsupported_media_type", param: null },
    `The content type of the request must be 'application/json', but it ${found}.`,
  );
}

// ---------------------------------------------------------------- The client may not do this

/** Never with any part of the key: the answer may be logged. */
export function invalidApiKey(message: string): OpenAIError {
  return refusal(
    {
      status: 401,
      code: "invalid_api_key",
      param: null,
      headers: { "www-authenticate": "Bearer" },
    },
    message,
  );
}

export function permissionDenied(code: string, message: string): OpenAIError {
  return refusal({ status: 403, type: "permission_error", code, param: null }, message);
}

// ---------------------------------------------------------------- The server is at its limit: repeat later

export function queueFull(retryAfterSeconds: number): OpenAIError {
  return rateLimited(
    "Too many requests are waiting for this model. Please retry later.",
    retryAfterSeconds,
  );
}

export function rateLimited(message: string, retryAfterSeconds: number): OpenAIError {
  return new OpenAIError({
    status: 429,
    message,
    type: "rate_limit_error",
    code: "rate_limit_exceeded",
    param: null,
    headers: retryAfter(retryAfterSeconds),
  });
}

/** The model is known and will be there: it is downloading, loading or starting. */
export function modelLoading(message: string, retryAfterSeconds: number): OpenAIError {
  return unavailable({ code: "model_loading", param: "model" }, message, retryAfterSeconds);
}

/** The engine broke and comes back. Also the error inside a stream that it cut. */
export function engineFailed(message: string, retryAfterSeconds = 1): OpenAIError {
  return unavailable({ code: "engine_error", param: null }, message, retryAfterSeconds);
}

/** The server has no memory for another request right now. */
export function overloaded(retryAfterSeconds = 1): OpenAIError {
  return unavailable(
    { code: "server_overloaded", param: null },
    "The requests that this server holds take all the memory it may use for them. Please retry.",
    retryAfterSeconds,
  );
}

export function shuttingDown(retryAfterSeconds = 1): OpenAIError {
  return unavailable(
    { code: "shutting_down", param: null },
    "This server is shutting down and takes no more requests. Please retry.",
    retryAfterSeconds,
  );
}

/** The weights cannot be served until a person changes something, so repeating is no use. */
export function modelFailed(message: string): OpenAIError {
  return serverError({ status: 503, code: "model_failed", param: "model" }, message, NO_RETRY);
}

export function timedOut(message: string): OpenAIError {
  return serverError({ status: 504, code: "timeout", param: null }, message, {});
}

export function internal(options?: ErrorOptions): OpenAIError {
  const message = "The server failed to process the request. Its log has the details.";
  return new OpenAIError(
    {
      status: 500,
      message,
      type: "server_error",
      code: "internal_error",
      param: null,
      headers: {},
    },
    options,
  );
}

// ---------------------------------------------------------------- Shared by the above

const RETRY_AFTER_MIN_SECONDS = 1;
const RETRY_AFTER_MAX_SECONDS = 60;
const NO_RETRY = { "x-should-retry": "false" };

/** Outside 1 to 60 seconds the SDKs ignore the header and guess. */
export function retryAfter(seconds: number): Record<string, string> {
  const wanted = Number.isNaN(seconds) ? RETRY_AFTER_MIN_SECONDS : seconds;
  const bounded = Math.min(Math.max(wanted, RETRY_AFTER_MIN_SECONDS), RETRY_AFTER_MAX_SECONDS);
  return {
    "retry-after": String(Math.ceil(bounded)),
    "retry-after-ms": String(Math.ceil(bounded * 1000)),
  };
}

type Kind = {
  readonly status: number;
  /** Default of a refusal: invalid_request_error. */
  readonly type?: ErrorType;
  readonly code: string | null;
  readonly param: string | null;
  readonly headers?: Readonly<Record<string, string>>;
};

function refusal(kind: Kind, message: string): OpenAIError {
  const headers = { ...kind.headers, ...NO_RETRY };
  return new OpenAIError({ type: "invalid_request_error", ...kind, message, headers });
}

function unavailable(
  { code, param }: { code: string; param: string | null },
  message: string,
  retryAfterSeconds: number,
): OpenAIError {
  const headers = { ...retryAfter(retryAfterSeconds), "x-should-retry": "true" };
  return serverError({ status: 503, code, param }, message, headers);
}

function serverError(kind: Kind, message: string, headers: Record<string, string>): OpenAIError {
  const { status, code, param } = kind;
  return new OpenAIError({ status, message, type: "server_error", code, param, headers });
}

const QUOTED_MAX_CHARACTERS = 200;

/** A client's own words, short enough to be repeated in a message. */
function shortened(text: string): string {
  return text.length <= QUOTED_MAX_CHARACTERS ? text : `${text.slice(0, QUOTED_MAX_CHARACTERS)}…`;
}
