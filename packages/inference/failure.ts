/**
 * Every way a request can fail, before any API's words for it.
 *
 * What matters is not the text but what a client does next, so a failure says what kind it is, which field is to
 * blame, and whether to try again. Each dialect renders failures at one place, in its own words and form.
 */

/** With the HTTP status that every dialect answers them with. */
const HTTP_STATUS = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  internal: 500,
  bad_gateway: 502,
  unavailable: 503,
  timed_out: 504,
} as const;

export type FailureKind = keyof typeof HTTP_STATUS;

/**
 * Stands for the field that holds the prompt, whose name only the dialect knows: as a failure's field or the beginning of
 * it, and in its message, where it becomes `messages`, `input` and the like.
 */
export const PROMPT_FIELD = "{prompt}";

/** One of several prompts, as a failure's field. */
export function promptField(index: number, count: number): string {
  return count === 1 ? PROMPT_FIELD : `${PROMPT_FIELD}[${index}]`;
}

/** A failure as plain data: what crosses a process boundary. */
export type FailureData = {
  readonly kind: FailureKind;
  /** For the client, with PROMPT_FIELD where the prompt's field is meant. */
  readonly message: string;
  /** A word from a short list for programs and metrics. Null: the kind says it all. */
  readonly code: string | null;
  /** Path of the field to blame, such as `messages[0].content`. */
  readonly field: string | null;
  /** "never": the same request would fail again. Absent: nobody knows. */
  readonly retry?: "never" | { readonly afterSeconds: number };
  /** Methods that the path has. */
  readonly allow?: readonly string[];
  /** Where HTTP itself has a more exact status than the kind. */
  readonly httpStatus?: number;
};

export class Failure extends Error {
  readonly data: FailureData;

  constructor(data: FailureData, options?: ErrorOptions) {
    super(data.message.replaceAll(PROMPT_FIELD, "prompt"), options);
    this.name = "Failure";
    this.data = data;
  }

  get kind(): FailureKind {
    return this.data.kind;
  }

  get code(): string | null {
    return this.data.code;
  }

  get field(): string | null {
    return this.data.field;
  }

  get status(): number {
    return this.data.httpStatus ?? HTTP_STATUS[this.data.kind];
  }
}

/** What was thrown, as one word from a short list. */
export function codeOf(thrown: unknown): string {
  const { code, status } = toFailure(thrown);
  return code ?? String(status);
}

/**
 * What a client may know of anything that was thrown. Errors that middleware marked as meant for the
 * client (`expose`, the convention of `http-errors`) keep their 4xx; the rest becomes one fixed sentence.
 */
export function toFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  if (isExposedHttpError(thrown)) {
    const { message, status: httpStatus } = thrown;
    return new Failure({
      kind: "invalid",
      message,
      code: null,
      field: null,
      retry: "never",
      httpStatus,
    });
  }
  return new Failure(
    {
      kind: "internal",
      message: "The server failed to process the request. Its log has the details.",
      code: "internal_error",
      field: null,
    },
    { cause: thrown },
  );
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
