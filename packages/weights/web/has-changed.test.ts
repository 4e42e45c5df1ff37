import assert from "node:assert/strict";
import { test } from "node:test";
import { differs } from "./has-changed.ts";

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
