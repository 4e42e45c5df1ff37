import assert from "node:assert/strict";
import { test } from "node:test";
import { pauseAfterMs } from "./persistently.ts";

const failures = [1, 2, 3, 4, 5, 6, 7, 8, 100];

test("another machine is asked again ever more slowly, at least once a minute", () => {
  const pausesMs = failures.map((count) => pauseAfterMs(count, "SourceUnavailable"));
  assert.deepEqual(pausesMs, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

test("a Secret that is missing is looked for every few seconds, however long it has been missing", () => {
  const pausesMs = failures.map((count) => pauseAfterMs(count, "SecretMissing"));
  assert.deepEqual(pausesMs, [1000, 2000, 4000, 4000, 4000, 4000, 4000, 4000, 4000]);
});
