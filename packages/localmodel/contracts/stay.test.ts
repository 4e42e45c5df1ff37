import assert from "node:assert/strict";
import { test } from "node:test";
import { leavesAtMs } from "./stay.ts";

/** A Monday. */
const at = (time: string, day = 6): number => Date.parse(`2026-07-0${day}T${time}:00Z`);

test("a model leaves when its idle time is over, counted from the latest use that anybody knows", () => {
  const stay = { idleSeconds: 600, usedAtMs: at("10:00") };
  assert.equal(leavesAtMs(stay, undefined), at("10:10"));
  assert.equal(leavesAtMs(stay, at("10:05")), at("10:15"));
  assert.equal(leavesAtMs(stay, at("09:00")), at("10:10"));
});

test("one that stays never leaves, and of one whose use nobody knows nothing is said", () => {
  assert.equal(leavesAtMs("always", undefined), Infinity);
  assert.equal(leavesAtMs({ idleSeconds: 600 }, undefined), undefined);
});

test("a model does not leave while a window is open, and does when it ends", () => {
  const window = { timeZone: "UTC", minReplicas: 1 };
  const schedule = [{ ...window, from: "08:00", to: "18:00" }];
  const idleSeconds = 600;
  assert.equal(leavesAtMs({ idleSeconds, schedule }, at("07:00")), at("07:10"));
  assert.equal(leavesAtMs({ idleSeconds, schedule }, at("10:00")), at("18:00"));
  assert.equal(leavesAtMs({ idleSeconds, schedule }, at("17:55")), at("18:05"));
  const night = { ...window, from: "18:00", to: "08:00" };
  assert.equal(leavesAtMs({ idleSeconds, schedule: [...schedule, night] }, at("10:00")), Infinity);
});
