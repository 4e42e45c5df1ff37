import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveLength } from "./length.ts";

for (const [name, most, configured, otherwise, expected] of [
  ["nothing is no limit", undefined, {}, undefined, {}],
  ["the endpoint's default comes last", undefined, {}, 16, { maxTokens: 16 }],
  ["the LocalModel's limit comes before it", undefined, { maxTokens: 5 }, 16, { maxTokens: 5 }],
  ["the request's comes first", 3, { maxTokens: 5 }, 16, { maxTokens: 3 }],
  ["zero is a limit", 0, { maxTokens: 5 }, 16, { maxTokens: 0 }],
  ["-1 lifts every limit", -1, { maxTokens: 5 }, 16, {}],
] as const) {
  test(`max_tokens: ${name}`, () => {
    const length = resolveLength(
      { most, ...(otherwise !== undefined && { otherwise }) },
      { configured, fromFile: {} },
    );
    assert.deepEqual(length, expected);
  });
}

const unconfigured = { configured: {}, fromFile: {} };

test("min_tokens may be as much as max_tokens, or anything when there is no limit", () => {
  assert.deepEqual(resolveLength({ most: 3, least: 3 }, unconfigured), {
    maxTokens: 3,
    minTokens: 3,
  });
  assert.deepEqual(resolveLength({ most: -1, least: 99, otherwise: 16 }, unconfigured), {
    minTokens: 99,
  });
  assert.deepEqual(resolveLength({ most: undefined, least: 0 }, unconfigured), {});
});

test("min_tokens beyond the limit is refused, wherever the limit comes from", () => {
  for (const lengths of [
    () => resolveLength({ most: 2, least: 3 }, unconfigured),
    () => resolveLength({ least: 17, otherwise: 16 }, unconfigured),
    () =>
      resolveLength(
        { most: undefined, least: 6 },
        { ...unconfigured, configured: { maxTokens: 5 } },
      ),
  ]) {
    assert.throws(lengths, { status: 400, field: "min_tokens", code: "integer_above_max_value" });
  }
});
