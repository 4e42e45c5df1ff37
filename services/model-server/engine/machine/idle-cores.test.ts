import assert from "node:assert/strict";
import type { CpuInfo } from "node:os";
import { test } from "node:test";
import { IdleCores } from "./idle-cores.ts";

function coresWith(idleMs: () => number): readonly CpuInfo[] {
  const times = { user: 0, nice: 0, sys: 0, irq: 0 };
  return [0, 1].map(() => ({ model: "", speed: 0, times: { ...times, idle: idleMs() } }));
}

test("cores that were idle while steps ran are counted some times a second", () => {
  let idleMs = 0;
  const idle = new IdleCores(() => coresWith(() => idleMs));
  const seen = [];
  for (let atMs = 20; atMs <= 2200; atMs += 20) {
    seen.push(idle.during(20, 1, atMs));
    idleMs += 10;
  }
  const told = seen.filter((cores) => cores !== undefined);
  assert.equal(told.length, 10);
  assert.ok(told.every((cores) => cores > 0.8 && cores < 1.1));
});

test("cores that the threads themselves leave between steps do not count", () => {
  let idleMs = 0;
  const idle = new IdleCores(() => coresWith(() => idleMs));
  for (let atMs = 100; atMs <= 5000; atMs += 100) {
    // One of the two cores is somebody else's; on the other a step takes a fifth of the time.
    const cores = idle.during(20, 1, atMs);
    assert.ok(cores === undefined || cores < 0.1, `${cores} cores`);
    idleMs += 40;
  }
});

test("a core that nobody uses is seen by an engine that steps now and then", () => {
  let idleMs = 0;
  const idle = new IdleCores(() => coresWith(() => idleMs));
  const seen = [];
  for (let atMs = 100; atMs <= 5000; atMs += 100) {
    seen.push(idle.during(20, 1, atMs));
    idleMs += 90;
  }
  const told = seen.filter((cores) => cores !== undefined);
  assert.ok(told.length > 0);
  assert.ok(told.every((cores) => cores > 0.9 && cores < 1.1));
});
