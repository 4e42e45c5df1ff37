import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_RETRY_POLICY, type Failed, retryDelayMs } from "./retry.ts";

test("waits double up to a limit, and are never shorter than the server asks", () => {
  const failed = { kind: "broken", hasAlternative: false } as const;
  const delays = [1, 2, 3, 4, 5, 6, 7].map((failures) =>
    retryDelayMs({ ...failed, failures }, DEFAULT_RETRY_POLICY),
  );
  assert.deepEqual(delays, [500, 1000, 2000, 4000, 8000, 16_000, undefined]);
  const asked = { ...failed, kind: "later", failures: 1, afterMs: 45_000 } as const;
  assert.equal(retryDelayMs(asked, DEFAULT_RETRY_POLICY), 45_000);
});

/** How often a source is asked that always fails like this, when there is another one. */
function triesBeforeAlternative(failed: Pick<Failed, "kind" | "afterMs">): number {
  let failures = 1;
  const delay = () =>
    retryDelayMs({ ...failed, failures, hasAlternative: true }, DEFAULT_RETRY_POLICY);
  while (delay() !== undefined) failures += 1;
  return failures;
}

test("with another source to turn to, patience is short", () => {
  assert.equal(triesBeforeAlternative({ kind: "timeout" }), 1);
  assert.equal(triesBeforeAlternative({ kind: "refused" }), 1);
  assert.equal(triesBeforeAlternative({ kind: "stalled" }), 2);
  assert.equal(triesBeforeAlternative({ kind: "unreachable" }), 3);
  assert.equal(triesBeforeAlternative({ kind: "later", afterMs: 60_000 }), 1);
});
