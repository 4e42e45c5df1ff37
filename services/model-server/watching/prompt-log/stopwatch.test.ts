import assert from "node:assert/strict";
import { test } from "node:test";
import type { GenerateEvent } from "@localmodel/inference/generate.ts";
import { Stopwatch } from "./stopwatch.ts";

const started: GenerateEvent = { type: "started", choice: 0, cachedTokens: 0 };
const delta: GenerateEvent = { type: "delta", choice: 0, text: "x" };

function timed(...events: readonly (readonly [atMs: number, event?: GenerateEvent])[]): Stopwatch {
  let nowMs = 0;
  const stopwatch = new Stopwatch(() => nowMs);
  for (const [atMs, event] of events) {
    nowMs = atMs;
    if (event !== undefined) stopwatch.event(event);
  }
  return stopwatch;
}

test("time is spent waiting, reading the prompt and writing, by the first choice", () => {
  const stopwatch = timed([10, started], [30, delta], [35, started], [40, delta], [530]);
  assert.deepEqual(stopwatch.timings(51), {
    queuedMs: 10,
    prefillMs: 20,
    decodeMs: 500,
    totalMs: 530,
    tokensPerSecond: 100,
  });
});

test("what did not happen has no time", () => {
  assert.deepEqual(timed([5]).timings(undefined), { totalMs: 5 });
  assert.deepEqual(timed([5, started], [9]).timings(0), { queuedMs: 5, totalMs: 9 });
});

test("an answer that took no time has no speed", () => {
  const { tokensPerSecond } = timed([1, started], [2, delta]).timings(1);
  assert.equal(tokensPerSecond, undefined);
});
