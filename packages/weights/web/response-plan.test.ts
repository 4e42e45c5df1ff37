import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRetryAfter } from "./http-failure.ts";
import { publicText, publicUrl } from "../source/redact.ts";
import { remoteFileOf } from "./remote-file.ts";
import { planResponse, rangeHeaders } from "./response-plan.ts";
import { DEFAULT_RETRY_POLICY, type Failed, retryDelayMs } from "./retry.ts";
import { differs } from "./has-changed.ts";

const HALF = { offset: 50, validator: { etag: '"v1"' } } as const;

test("an answer is appended only when it continues exactly what is there", () => {
  const cases = [
    [{ "content-range": "bytes 50-99/100", etag: '"v1"' }, "append"],
    [{ "content-range": "bytes 50-99/*" }, "append"],
    [{ "content-range": "bytes 49-99/100", etag: '"v1"' }, "askForEverything"],
    [{ "content-range": "bytes 50-99/100", etag: '"v2"' }, "askForEverything"],
    [{ "content-range": "bytes 50-99/100", "content-encoding": "gzip" }, "askForEverything"],
    [{}, "askForEverything"],
  ] as const;
  for (const [headers, kind] of cases) {
    assert.equal(planResponse({ status: 206, headers }, HALF).kind, kind, JSON.stringify(headers));
  }
});

test("a 416 means complete when the size is right, and start over when it is not", () => {
  const cases = [
    ["bytes */50", "nothingMissing"],
    ["bytes */49", "askForEverything"],
    ["nonsense", "askForEverything"],
  ] as const;
  for (const [range, kind] of cases) {
    const headers = { "content-range": range };
    assert.equal(planResponse({ status: 416, headers }, HALF).kind, kind);
  }
});

test("a body that cannot be decoded is refused", () => {
  const plan = planResponse({ status: 200, headers: { "content-encoding": "rot13" } }, undefined);
  assert.equal(plan.kind, "never");
});

test("without a validator only the range is asked for", () => {
  assert.deepEqual(rangeHeaders(undefined), {});
  assert.deepEqual(rangeHeaders({ offset: 7 }), { range: "bytes=7-" });
  assert.deepEqual(rangeHeaders(HALF), { range: "bytes=50-", "if-range": '"v1"' });
});

test("the Hub's description wins over that of the host it redirects to", () => {
  const sha256 = "ab".repeat(32);
  const redirect = { "x-linked-etag": `W/"${sha256.toUpperCase()}"`, "x-linked-size": "123" };
  const headers = { "content-length": "999", etag: '"cdn"' };
  assert.deepEqual(remoteFileOf({ status: 200, headers, redirects: [redirect] }), {
    sizeBytes: 123,
    sha256,
    etag: '"cdn"',
  });
  const git = { "x-linked-etag": '"0123456789012345678901234567890123456789"' };
  assert.equal(remoteFileOf({ status: 200, headers, redirects: [git] }).sha256, undefined);
});

function answer(headers: Record<string, string>, status = 200) {
  return { status, headers, redirects: [] };
}

test("whether a file has changed is told by the best thing both sides have", () => {
  const known = { sha256: "ab".repeat(32), sizeBytes: 100 };
  assert.equal(differs({ ...known, etag: '"a"' }, answer({ etag: 'W/"a"' })), false);
  assert.equal(differs({ ...known, etag: '"a"' }, answer({ etag: '"b"' })), true);
  assert.equal(differs({ ...known, lastModified: "x" }, answer({ "last-modified": "y" })), true);
  assert.equal(differs(known, answer({ "content-length": "100" })), false);
  assert.equal(differs(known, answer({ "content-length": "101" })), true);
  assert.equal(differs(known, answer({}, 304)), false);
  assert.equal(differs(known, answer({}, 503)), false);
});

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

test("Retry-After is read as seconds and as a date", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  assert.equal(parseRetryAfter("7", now), 7000);
  assert.equal(parseRetryAfter("Thu, 01 Jan 2026 00:00:30 GMT", now), 30_000);
  assert.equal(parseRetryAfter("Wed, 31 Dec 2025 00:00:00 GMT", now), 0);
  assert.equal(parseRetryAfter("soon", now), undefined);
});

test("URLs are shown without credentials, query and fragment, also inside other text", () => {
  assert.equal(
    publicUrl("https://u:p@h.example:8443/a%20b?sig=s#f"),
    "https://h.example:8443/a%20b?…",
  );
  assert.equal(
    publicText('Looking in "https://u:p@h.example/simple?t=s"\n  again'),
    'Looking in "https://h.example/simple?…" again',
  );
  assert.equal(publicText("x".repeat(500)).length, 300);
});
