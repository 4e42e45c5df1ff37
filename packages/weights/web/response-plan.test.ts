import assert from "node:assert/strict";
import { test } from "node:test";
import { remoteFileOf } from "../http/remote-file.ts";
import { planResponse, rangeHeaders } from "./response-plan.ts";

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
