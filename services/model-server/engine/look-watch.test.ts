import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { lookWatch } from "./look-watch.ts";

const LIMIT = { beatMs: 1000, beats: 600 };

const nothing = () => 0;

/** A watch whose seconds pass when a test says so. */
function watchOf(t: TestContext) {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const stuck: string[] = [];
  const watched = lookWatch((message) => stuck.push(message), LIMIT);
  const pass = (seconds: number) => t.mock.timers.tick(seconds * 1000);
  return { watched, stuck, pass };
}

test("what is looked at for ever is told after ten minutes, once", (t) => {
  const { watched, stuck, pass } = watchOf(t);
  void watched(() => new Promise(() => {}), nothing);
  pass(599);
  assert.deepEqual(stuck, []);
  pass(1);
  const told = ["The projector has not got on with a picture or a sound for 600 s"];
  assert.deepEqual(stuck, told);
  pass(10_000);
  assert.deepEqual(stuck, told);
});

test("who gets on may take as long as it takes", (t) => {
  const { watched, stuck, pass } = watchOf(t);
  let done = 0;
  void watched(
    () => new Promise(() => {}),
    () => done,
  );
  for (let minute = 0; minute < 60; minute++) {
    done += 1;
    pass(60);
  }
  assert.deepEqual(stuck, []);
  pass(600);
  assert.equal(stuck.length, 1);
});

test("what was found, or failed, is handed on, and nothing is waited for any more", async (t) => {
  const { watched, stuck, pass } = watchOf(t);
  assert.equal(await watched(async () => "seen", nothing), "seen");
  const failing = watched(async () => {
    throw new Error("unreadable");
  }, nothing);
  await assert.rejects(failing, /unreadable/);
  pass(10_000);
  assert.deepEqual(stuck, []);
});
