import assert from "node:assert/strict";
import { test } from "node:test";
import { Patience } from "./patience.ts";

/** A process that cannot run: no timer of it does, however much time passes. */
function stand(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test("is lost once, after so many beats without news", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  let lost = 0;
  using patience = new Patience({ beatMs: 1000, beats: 3 }, () => (lost += 1));
  t.mock.timers.tick(2000);
  patience.renew();
  t.mock.timers.tick(2000);
  assert.equal(lost, 0);
  t.mock.timers.tick(5000);
  assert.equal(lost, 1);
});

test("a process that was stopped for longer has missed one beat, not all of them", async () => {
  let beats = 0;
  const { promise: lost, resolve } = Promise.withResolvers<void>();
  using _patience = new Patience({ beatMs: 20, beats: 3 }, resolve);
  const counter = setInterval(() => (beats += 1), 20);
  stand(200);
  await lost;
  clearInterval(counter);
  assert.ok(beats >= 2, `lost after ${beats} beats`);
});
