/**
 * What is wrong with a request itself, or with who sent it: the same request would be refused again, so none of
 * these is worth repeating.
 */
import { Failure, type FailureData, PROMPT_FIELD } from "./failure.ts";

export function invalidRequest(
  field: string | null,
  message: string,
  code: string | null = null,
): Failure {
  return refusal({ kind: "invalid", code, field }, message);
}

export function missingField(field: string): Failure {
  return invalidRequest(
    field,
    `Missing required parameter: '${field}'.`,
    "missing_required_parameter",
  );
}

type ContextOverflow = {
  readonly limit: number;
  readonly prompt: number;
  /** Whether that is only as far as anybody counted. */
  readonly more?: boolean;
  /** Which of several prompts. */
  readonly field?: string;
  /** Tokens the request reserves for the answer, if it is the sum that does not fit. */
  readonly completion?: number;
};

/** Agents look for these sentences to know when to shorten a conversation. */
export function contextLengthExceeded(overflow: ContextOverflow): Failure {
  const { limit, prompt, more = false, field = PROMPT_FIELD, completion } = overflow;
  const cause =
    completion === undefined
      ? `your ${field} resulted in ${more ? "more than " : ""}${prompt} tokens. Please reduce the length of the ${field}.`
      : `you requested ${prompt + completion} tokens (${prompt} in the ${field}, ${completion} in the ` +
        `completion). Please reduce the length of the ${field} or completion.`;
  return invalidRequest(
    field,
    `This model's maximum context length is ${limit} tokens. However, ${cause} The context is set where the model is served: spec.engine.contextTokens of its LocalModel, or npm start's --context.`,
    "context_length_exceeded",
  );
}

/** The model exists and cannot do this: 400, because clients would repeat a 501. */
export function modelNotCapable(message: string): Failure {
  return invalidRequest("model", message, "model_not_capable");
}

const CAPABILITY_NAMES: Readonly<Record<string, string>> = {
  chat: "chat completions",
  completions: "completions",
  infill: "infilling",
  embeddings: "embeddings",
  rerank: "reranking",
  vision: "images",
  audio: "audio",
};

/** `able`: the capabilities that it has. */
export function lacksCapability(
  modelId: string,
  capability: string,
  able: readonly string[],
  why = "",
): Failure {
  const others = able.map(capabilityName).join(", ");
  return modelNotCapable(
    `The model \`${modelId}\` does not support ${capabilityName(capability)}. It supports: ${others}.${why}`,
  );
}

function capabilityName(capability: string): string {
  return CAPABILITY_NAMES[capability] ?? capability;
}

/** In OpenAI's words for it. `others`: models that do look at images, where anybody knows. */
export function modelNotMultimodal(
  field: string,
  modelId: string,
  others: readonly string[],
): Failure {
  const which = ableModels("that read images", "vision", others);
  return lacksSense(
    field,
    `it is an image, and the model \`${modelId}\` reads text only. ${which}`,
  );
}

/** A sound that the model cannot hear. `others`: models that do, where anybody knows. */
export function modelDoesNotHear(
  field: string,
  modelId: string,
  others: readonly string[],
): Failure {
  const which = ableModels("that do", "audio", others);
  return lacksSense(field, `it is audio, and the model \`${modelId}\` does not hear. ${which}`);
}

function lacksSense(field: string, why: string): Failure {
  return invalidRequest(field, `Invalid '${field}': ${why}`, "model_not_multimodal");
}

function ableModels(which: string, capability: string, others: readonly string[]): string {
  return others.length === 0
    ? `Models ${which} have "${capability}" among their capabilities in GET /v1/models.`
    : `Models ${which}: ${quotedIds(others)}.`;
}

function quotedIds(ids: readonly string[]): string {
  return ids.map((id) => `\`${id}\``).join(", ");
}

export function tooManySounds(field: string, count: number, most: number): Failure {
  return invalidRequest(
    field,
    `Invalid '${field}': the conversation has ${count} audio parts, and at most ${most} are heard. Leave older ones out.`,
    "too_many_audio_parts",
  );
}

export function tooManyImages(field: string, count: number, most: number): Failure {
  return invalidRequest(
    field,
    `Invalid '${field}': the conversation has ${count} images, and at most ${most} are looked at. Leave older ones out.`,
    "too_many_images",
  );
}

const NAMED_MODELS_MAX = 20;

export function modelNotFound(id: string, known: readonly string[]): Failure {
  const listed = known.slice(0, NAMED_MODELS_MAX).map((name) => `\`${name}\``);
  const more = known.length > listed.length ? `, and ${known.length - listed.length} more` : "";
  const available =
    listed.length === 0
      ? "No model is available."
      : `Available models: ${listed.join(", ")}${more}.`;
  return refusal(
    { kind: "not_found", code: "model_not_found", field: "model" },
    `The model \`${shortened(id)}\` does not exist or you do not have access to it. ${available}`,
  );
}

/** Of a conversation that is to be gone on with. OpenAI's sentence and code. */
export function previousResponseNotFound(id: string): Failure {
  return refusal(
    { kind: "not_found", code: "previous_response_not_found", field: "previous_response_id" },
    `Previous response with id '${shortened(id)}' not found.`,
  );
}

/** Of an item that a prompt names instead of holding it. OpenAI's sentences. */
export function itemNotFound(id: string): Failure {
  return refusal(
    { kind: "not_found", code: null, field: "input" },
    `Item with id '${shortened(id)}' not found. Items are kept with the response that they are of, unless \`store\` is set to false, and not for ever. Send the item itself, or remove it from your input.`,
  );
}

export function unknownUrl(method: string, path: string, hint?: string): Failure {
  const what = `Unknown request URL: ${method} ${shortened(path)}. Please check the URL for typos.`;
  return refusal(
    { kind: "not_found", code: "unknown_url", field: null },
    hint === undefined ? what : `${what} ${hint}`,
  );
}

export function methodNotAllowed(method: string, allow: readonly string[]): Failure {
  return refusal(
    { kind: "method_not_allowed", code: "method_not_allowed", field: null, allow },
    `The method ${shortened(method)} is not allowed on this URL. Allowed: ${allow.join(", ")}.`,
  );
}

export function requestTooLarge(limitBytes: number): Failure {
  return refusal(
    { kind: "too_large", code: "request_too_large", field: null },
    `The request body is larger than the ${limitBytes} bytes this server accepts.`,
  );
}

export function bodyInCrumbs(): Failure {
  const message =
    "The body of the request comes in too many pieces of a few bytes each. Send larger chunks.";
  return invalidRequest(null, message, "chunks_too_small");
}

/** Repeating it may help: connections of phones and laptops stop like this. */
export function bodyTimedOut(idleMs: number): Failure {
  return new Failure({
    kind: "invalid",
    code: "request_timeout",
    field: null,
    httpStatus: 408,
    message: `Nothing of the request's body has come for ${idleMs / 1000} s, and its end has not come either.`,
  });
}

/** Of the header `Expect`, which knows one word. */
export function expectationFailed(expected: string | undefined): Failure {
  const message = `The expectation '${shortened(expected ?? "")}' cannot be met. Send no Expect header, or '100-continue'.`;
  return refusal({ kind: "invalid", code: null, field: null, httpStatus: 417 }, message);
}

export function unsupportedMediaType(contentType: string | undefined): Failure {
  const found = contentType === undefined ? "has none" : `is '${shortened(contentType)}'`;
  return refusal(
    { kind: "unsupported_media_type", code: "unsupported_media_type", field: null },
    `The content type of the request must be 'application/json', but it ${found}.`,
  );
}

export function unsupportedEncoding(encoding: string): Failure {
  return refusal(
    { kind: "unsupported_media_type", code: "unsupported_media_type", field: null },
    `The content encoding '${encoding.slice(0, 64)}' is not supported. Send the body uncompressed, or as gzip, deflate or br.`,
  );
}

/** Never with any part of the key: the answer may be logged. */
export function invalidApiKey(message: string): Failure {
  return refusal({ kind: "unauthenticated", code: "invalid_api_key", field: null }, message);
}

export function permissionDenied(code: string, message: string): Failure {
  return refusal({ kind: "forbidden", code, field: null }, message);
}

function refusal(about: Omit<FailureData, "message" | "retry">, message: string): Failure {
  return new Failure({ ...about, message, retry: "never" });
}

const QUOTED_MAX_CHARACTERS = 200;

/** A client's own words, short enough to be repeated in a message. */
function shortened(text: string): string {
  return text.length <= QUOTED_MAX_CHARACTERS ? text : `${text.slice(0, QUOTED_MAX_CHARACTERS)}…`;
}
