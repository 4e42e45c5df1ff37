import assert from "node:assert/strict";
import { test } from "node:test";
import { RecentLines } from "./recent-lines.ts";

test("keeps the last lines, wherever the text is cut, and the one that was never ended", () => {
  const recent = new RecentLines();
  for (let line = 0; line < 100; line++) recent.write(`line ${line}\n`);
  recent.write("las");
  recent.write("t words");
  assert.equal(recent.lines.length, 51);
  assert.equal(recent.lines[0], "line 50");
  assert.equal(recent.lines.at(-1), "last words");
});

test("has a bound for what comes without lines", () => {
  const recent = new RecentLines();
  for (let piece = 0; piece < 100; piece++) recent.write("x".repeat(1000));
  recent.write("\n");
  assert.ok(recent.lines.join("").length <= 2000);
});
