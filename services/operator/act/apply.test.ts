import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiStatusError } from "@localmodel/kube/wire/api-errors.ts";
import { saidBy } from "./apply.ts";

test("what the API server says of a refusal is told without the request", () => {
  const message = 'pods "a" is forbidden: exceeded quota: memory, requested: 2Ti';
  const attempted = "PATCH /api/v1/namespaces/default/pods/a?force=true";
  assert.equal(saidBy(new ApiStatusError(attempted, { code: 403, message })), message);
  assert.match(saidBy(new ApiStatusError(attempted, { code: 403 })), /403 Forbidden/);
});
