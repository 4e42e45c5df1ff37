import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure, type FailureData, toFailure } from "./failure.ts";
import { failureHeaders } from "./failure-headers.ts";
import {
  contextLengthExceeded,
  invalidApiKey,
  invalidRequest,
  methodNotAllowed,
  missingField,
  modelNotFound,
  permissionDenied,
  requestTooLarge,
  unknownUrl,
  unsupportedMediaType,
} from "./refusals.ts";
import {
  engineFailed,
  modelFailed,
  modelLoading,
  queueFull,
  shuttingDown,
} from "./unavailability.ts";

test("an unknown model is refused with what there is instead", () => {
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

for (const failure of [
  invalidRequest("n", "no"),
  missingField("messages"),
  unknownUrl("GET", "/v2"),
  methodNotAllowed("PUT", ["GET"]),
  requestTooLarge(1),
  unsupportedMediaType(undefined),
  invalidApiKey("No."),
  permissionDenied("admin_key_required", "No."),
  modelFailed("The weights are no GGUF."),
]) {
  test(`the SDKs are told not to repeat a request that failed with ${failure.code}`, () => {
    assert.equal(failureHeaders(failure)["x-should-retry"], "false");
  });
}

test("a wrong key is a 401 that names the scheme, and a wrong method a 405 that names the right ones", () => {
  assert.equal(invalidApiKey("No.").status, 401);
  assert.equal(failureHeaders(invalidApiKey("No."))["www-authenticate"], "Bearer");
  assert.equal(methodNotAllowed("PUT", ["GET", "HEAD"]).status, 405);
  assert.equal(failureHeaders(methodNotAllowed("PUT", ["GET", "HEAD"])).allow, "GET, HEAD");
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
      const headers = failureHeaders(make(asked));
      assert.equal(headers["retry-after"], seconds);
      assert.equal(headers["retry-after-ms"], milliseconds);
    });
  }
}

test("a failure survives a trip through JSON", () => {
  const failure = contextLengthExceeded({ limit: 1, prompt: 2 });
  const copy = new Failure(JSON.parse(JSON.stringify(failure.data)) as FailureData);
  assert.deepEqual(copy.data, failure.data);
  assert.equal(copy.message, failure.message);
});

test("an unforeseen failure becomes one fixed sentence and keeps its cause for the log", () => {
  const cause = new Error("password is hunter2");
  const failure = toFailure(cause);
  assert.equal(failure.status, 500);
  assert.equal(
    failure.message,
    "The server failed to process the request. Its log has the details.",
  );
  assert.equal(failure.cause, cause);
});

test("an error of middleware keeps its 4xx only if it is meant for the client", () => {
  const exposed = Object.assign(new Error("bad path"), { status: 400, expose: true });
  const hidden = Object.assign(new Error("bad path"), { status: 400 });
  const broken = Object.assign(new Error("disk"), { status: 503, expose: true });
  assert.equal(toFailure(exposed).status, 400);
  assert.equal(toFailure(hidden).status, 500);
  assert.equal(toFailure(broken).status, 500);
});
