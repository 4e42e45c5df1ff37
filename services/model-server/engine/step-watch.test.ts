import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { StepWatch } from "./step-watch.ts";

const LIMIT = { beatMs: 1000, firstBeats: 600, leastBeats: 120, times: 20 };

/** A watch whose seconds pass when a test says so. */
function watchOf(t: TestContext) {
  t.mock.timers.enable({ apis: ["setInterval"] });
  let nowMs = 0;
  t.mock.method(performance, "now", () => nowMs);
  const stuck: string[] = [];
  const pass = (seconds: number) => {
    nowMs += seconds * 1000;
    t.mock.timers.tick(seconds * 1000);
  };
  return { watch: new StepWatch((message) => stuck.push(message), LIMIT), stuck, pass };
}

function open() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { step: () => promise, end: () => resolve() };
}

async function take(watch: StepWatch, pass: (seconds: number) => void, seconds: number) {
  const { step, end } = open();
  const done = watch.during(step);
  pass(seconds);
  end();
  await done;
}

test("the first step may take as long as weights come from the disk, and ten minutes more", async (t) => {
  const { watch, stuck, pass } = watchOf(t);
  let faults = 0;
  const usage = process.resourceUsage();
  t.mock.method(process, "resourceUsage", () => ({ ...usage, majorPageFault: faults }));
  void watch.during(open().step);
  for (let second = 0; second < 3000; second++) {
    faults += 1;
    pass(1);
  }
  pass(599);
  assert.deepEqual(stuck, []);
  pass(1);
  assert.deepEqual(stuck, ["A step of llama.cpp has not ended within 600 s"]);
});

test("a step that does not end is told, after two minutes at the least", async (t) => {
  const { watch, stuck, pass } = watchOf(t);
  await take(watch, pass, 0.01);
  void watch.during(open().step);
  pass(119);
  assert.deepEqual(stuck, []);
  pass(1);
  assert.deepEqual(stuck, ["A step of llama.cpp has not ended within 120 s"]);
});

test("where steps take long, a long one is none that hangs", async (t) => {
  const { watch, stuck, pass } = watchOf(t);
  await take(watch, pass, 30);
  await take(watch, pass, 599);
  assert.deepEqual(stuck, []);
  void watch.during(open().step);
  pass(20 * 599);
  assert.equal(stuck.length, 1);
});

test("between steps there is nothing to wait for", async (t) => {
  const { watch, stuck, pass } = watchOf(t);
  await take(watch, pass, 1);
  pass(100_000);
  assert.deepEqual(stuck, []);
});
