import assert from "node:assert/strict";
import { test } from "node:test";
import {
  contextLengthExceeded,
  engineFailed,
  errorBody,
  fromData,
  internal,
  invalidApiKey,
  invalidRequest,
  methodNotAllowed,
  missingParameter,
  modelFailed,
  modelLoading,
  modelNotFound,
  OpenAIError,
  permissionDenied,
  queueFull,
  requestTooLarge,
  shuttingDown,
  toOpenAIError,
  unknownUrl,
  unsupportedMediaType,
} from "./errors.ts";

test("an error body has all four keys, nulls included", () => {
  assert.deepEqual(errorBody(queueFull(3)), {
    error: {
      message: "Too many requests are waiting for this model. Please retry later.",
      type: "rate_limit_error",
      param: null,
      code: "rate_limit_exceeded",
    },
  });
});

test("a prompt that is too long is refused in the sentence agents look for", () => {
  const error = contextLengthExceeded({ limit: 8192, prompt: 8227, param: "messages" });
  assert.equal(
    error.message,
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 8227 tokens. Please reduce the length of the messages.",
  );
  assert.equal(error.code, "context_length_exceeded");
});

test("a prompt and completion that are too long together name both numbers", () => {
  const error = contextLengthExceeded({
    limit: 4097,
    prompt: 3120,
    completion: 1000,
    param: "messages",
  });
  assert.equal(
    error.message,
    "This model's maximum context length is 4097 tokens. However, you requested 4120 tokens (3120 in the messages, 1000 in the completion). Please reduce the length of the messages or completion.",
  );
});

test("an unknown model is answered with OpenAI's sentence and what there is instead", () => {
  assert.equal(
    modelNotFound("gpt-4o", ["a/b", "c"]).message,
    "The model `gpt-4o` does not exist or you do not have access to it. Available models: `a/b`, `c`.",
  );
});

test("a message quotes at most 200 characters and 20 models", () => {
  const known = Array.from({ length: 500 }, (_, index) => `model-${index}`);
  const { message } = modelNotFound("x".repeat(100_000), known);
  assert.ok(message.length < 1000, message);
  assert.match(message, /and 480 more\.$/);
});

for (const error of [
  invalidRequest("n", "no"),
  missingParameter("messages"),
  unknownUrl("GET", "/v2"),
  methodNotAllowed("PUT", ["GET"]),
  requestTooLarge(1),
  unsupportedMediaType(undefined),
  invalidApiKey("No."),
  permissionDenied("admin_key_required", "No."),
  modelFailed("The weights are no GGUF."),
]) {
  test(`the SDKs are told not to repeat a request that failed with ${error.code}`, () => {
    assert.equal(error.headers["x-should-retry"], "false");
  });
}

test("a wrong key is a 401 that names the scheme, a forbidden act a 403 of its own type", () => {
  const { status, type, headers } = invalidApiKey("No.");
  assert.deepEqual([status, type], [401, "invalid_request_error"]);
  assert.equal(headers["www-authenticate"], "Bearer");
  const denied = permissionDenied("admin_key_required", "No.");
  assert.deepEqual([denied.status, denied.type], [403, "permission_error"]);
});

for (const [asked, seconds, milliseconds] of [
  [0, "1", "1000"],
  [2.25, "3", "2250"],
  [3600, "60", "60000"],
  [Number.NaN, "1", "1000"],
  [Number.POSITIVE_INFINITY, "60", "60000"],
] as const) {
  for (const make of [
    queueFull,
    (delay: number) => modelLoading("loading", delay),
    (delay: number) => engineFailed("died", delay),
    shuttingDown,
  ]) {
    test(`${make(asked).code} with a wait of ${asked} s says ${seconds} s, which the SDKs accept`, () => {
      const { headers } = make(asked);
      assert.equal(headers["retry-after"], seconds);
      assert.equal(headers["retry-after-ms"], milliseconds);
    });
  }
}

test("an error survives a trip through JSON", () => {
  const error = contextLengthExceeded({ limit: 1, prompt: 2, param: "prompt" });
  const copy = fromData(JSON.parse(JSON.stringify(error)));
  assert.ok(copy instanceof OpenAIError);
  assert.deepEqual(copy.toJSON(), error.toJSON());
});

test("an unknown failure becomes one fixed sentence and keeps its cause for the log", () => {
  const cause = new Error("password is hunter2");
  const error = toOpenAIError(cause);
  assert.equal(error.status, 500);
  assert.equal(error.message, internal().message);
  assert.equal(error.cause, cause);
});

test("an error of middleware keeps its 4xx only if it is meant for the client", () => {
  const exposed = Object.assign(new Error("bad path"), { status: 400, expose: true });
  const hidden = Object.assign(new Error("bad path"), { status: 400 });
  const broken = Object.assign(new Error("disk"), { status: 503, expose: true });
  assert.equal(toOpenAIError(exposed).status, 400);
  assert.equal(toOpenAIError(hidden).status, 500);
  assert.equal(toOpenAIError(broken).status, 500);
});
