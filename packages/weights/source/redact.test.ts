import assert from "node:assert/strict";
import { test } from "node:test";
import { publicText, publicUrl } from "./redact.ts";

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
