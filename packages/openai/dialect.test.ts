import assert from "node:assert/strict";
import { test } from "node:test";
import { contextLengthExceeded, permissionDenied } from "@localmodel/inference/refusals.ts";
import { queueFull } from "@localmodel/inference/unavailability.ts";
import { errorBody, openai } from "./dialect.ts";

test("an error body has all four keys, nulls included", () => {
  assert.deepEqual(errorBody(queueFull(3), { names: {} }), {
    error: {
      message: "Too many requests are waiting for this model. Please retry later.",
      type: "rate_limit_error",
      param: null,
      code: "rate_limit_exceeded",
    },
  });
});

test("the names of a request stand beside its error", () => {
  const body = errorBody(queueFull(3), { names: { requestId: "req_1", traceId: "abc" } });
  assert.deepEqual(Object.keys(body), ["error", "request_id", "trace_id"]);
});

test("a prompt that is too long is refused in the sentence agents look for, with its field's name", () => {
  const failure = contextLengthExceeded({ limit: 8192, prompt: 8227 });
  const { error } = errorBody(failure, { names: {}, promptField: "messages" });
  assert.match(
    error.message,
    /^This model's maximum context length is 8192 tokens\. However, your messages resulted in 8227 tokens\. Please reduce the length of the messages\. .*spec\.engine\.contextTokens/u,
  );
  assert.deepEqual([error.code, error.param], ["context_length_exceeded", "messages"]);
});

test("a prompt and completion that are too long together name both numbers", () => {
  const failure = contextLengthExceeded({ limit: 4097, prompt: 3120, completion: 1000 });
  assert.match(
    errorBody(failure, { names: {}, promptField: "messages" }).error.message,
    /^This model's maximum context length is 4097 tokens\. However, you requested 4120 tokens \(3120 in the messages, 1000 in the completion\)\. Please reduce the length of the messages or completion\./u,
  );
});

test("a forbidden act is a 403 of its own type", () => {
  const answer = openai.failure(permissionDenied("admin_key_required", "No."), { names: {} });
  assert.equal(answer.status, 403);
  assert.equal(
    errorBody(permissionDenied("admin_key_required", "No."), { names: {} }).error.type,
    "permission_error",
  );
});
