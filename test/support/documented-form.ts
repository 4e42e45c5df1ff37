/** Whether what is sent has the form of a service's own documented example: all its fields, of their kinds, in their places. */
import assert from "node:assert/strict";

type Json = unknown;

/** Texts and numbers may be others than in the example, what is a word of the service's own (`type`, `role`, …) may not. */
const WORDS: ReadonlySet<string> = new Set(["type", "role", "status", "object", "stop_reason"]);

/** What the example has as null may be something here. */
export function assertForm(documented: Json, sent: Json, place = "event"): void {
  if (documented === null) return assert.notEqual(sent, undefined, `${place} is missing`);
  if (typeof documented !== "object") {
    return assert.equal(typeof sent, typeof documented, `${place}: ${JSON.stringify(sent)}`);
  }
  assert.ok(typeof sent === "object" && sent !== null, `${place} is ${String(sent)}`);
  if (Array.isArray(documented)) {
    assert.ok(Array.isArray(sent), place);
    assert.equal(sent.length, documented.length, place);
  }
  for (const [name, value] of Object.entries(documented)) {
    const found: Json = (sent as Readonly<Record<string, Json>>)[name];
    const at = `${place}.${name}`;
    if (WORDS.has(name) && typeof value === "string") assert.equal(found, value, at);
    else assertForm(value, found, at);
  }
}
