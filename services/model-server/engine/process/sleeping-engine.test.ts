/** When an engine leaves memory and comes back, on a clock that only the test moves. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { ScheduleWindow } from "@localmodel/localmodel/resource/schedule-spec.ts";
import type { ServerState } from "@localmodel/localmodel/contracts/server-state.ts";
import { facts, ScriptedEngine } from "../../fixtures/scripted-engine.ts";
import { type Restartable, SleepingEngine } from "./sleeping-engine.ts";

const MINUTE_MS = 60_000;

/** Is back in memory at once. */
function restartable() {
  const engine = new ScriptedEngine();
  const listeners: ((state: ServerState) => void)[] = [];
  const become = (state: ServerState): void => {
    engine.state = state;
    for (const listener of listeners) listener(state);
  };
  return Object.assign(engine, {
    onState: (listener: (state: ServerState) => void) => void listeners.push(listener),
    sleep: () => become({ state: "asleep", message: "asleep", model: facts }),
    wake: () => {
      if (engine.state.state === "asleep") become({ state: "ready", message: "", model: facts });
    },
  }) satisfies Restartable;
}

function begin(t: TestContext, time: string, ...windows: readonly object[]) {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.parse(time) });
  const engine = restartable();
  const awakeSchedule = windows.map((window) => ScheduleWindow.parse(window));
  const sleeper = new SleepingEngine(engine, { sleepAfterSeconds: 120, awakeSchedule });
  const pass = (minutes: number): void => {
    for (let minute = 0; minute < minutes; minute += 1) t.mock.timers.tick(MINUTE_MS);
  };
  return { state: (): string => engine.state.state, sleeper, pass };
}

test("an engine that nobody uses leaves memory after its time", (t) => {
  const { state, pass } = begin(t, "2026-07-06T06:00:00Z");
  pass(1);
  assert.equal(state(), "ready");
  pass(1);
  assert.equal(state(), "asleep");
});

test("in a window of its schedule it stays in memory, and leaves it after its time when that ends", (t) => {
  const window = { from: "08:00", to: "09:00" };
  const { state, sleeper, pass } = begin(t, "2026-07-06T08:30:00Z", window);
  pass(29);
  assert.equal(state(), "ready");
  sleeper.unload();
  assert.equal(state(), "ready");
  pass(1);
  assert.equal(state(), "asleep", "who asked for its sleep gets it at the end");
});

test("a window that begins has it loaded, and lets it go after its time once it has ended", (t) => {
  const window = { from: "08:00", to: "09:00" };
  const { state, pass } = begin(t, "2026-07-06T07:00:00Z", window);
  pass(59);
  assert.equal(state(), "asleep");
  pass(1);
  assert.equal(state(), "ready");
  pass(60);
  assert.equal(state(), "ready");
  pass(2);
  assert.equal(state(), "asleep");
});
