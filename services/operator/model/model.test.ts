import assert from "node:assert/strict";
import { test } from "node:test";
import { readSpec } from "./model.ts";

const source = { http: { url: "https://models.example/m.gguf" } };

test("fields of a newer definition are left out and named", () => {
  const read = readSpec({ source, newer: { a: 1 }, engine: { slots: 2, hoverboard: true } });
  assert.ok("spec" in read);
  assert.equal(read.spec.engine.slots, 2);
  assert.deepEqual(read.ignored.toSorted(), ["spec.engine.hoverboard", "spec.newer"]);
  assert.ok(!("newer" in read.spec));
});

test("what is wrong besides unknown fields is told, and nothing else", () => {
  const read = readSpec({ source, newer: 1, replicas: -1 });
  assert.ok("problem" in read);
  assert.match(read.problem, /^spec\.replicas: /);
  assert.doesNotMatch(read.problem, /newer/);
});
