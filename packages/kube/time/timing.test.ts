import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Backoff, REFLECTOR_BACKOFF } from "./backoff.ts";
import { delay, systemClock } from "./clock.ts";
import { Deadline } from "./deadline.ts";
import { ManualClock } from "../fixtures/manual-clock.ts";
import { TokenBucket } from "./token-bucket.ts";

test("a backoff doubles up to its maximum, is spread by chance, and starts anew after peace", async () => {
  const clock = new ManualClock();
  let chance = 0;
  const backoff = new Backoff(REFLECTOR_BACKOFF, clock, () => chance);
  const waits = Array.from({ length: 8 }, () => backoff.nextMs());
  assert.deepEqual(waits, [800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
  chance = 0.5;
  assert.equal(backoff.nextMs(), 45_000);
  await clock.advance(45_000 + 120_000);
  assert.equal(backoff.nextMs(), 45_000);
  await clock.advance(45_000 + 120_001);
  assert.equal(backoff.nextMs(), 1200);
  backoff.reset();
  assert.equal(backoff.nextMs(), 1200);
});

function sumUpTo(_: number, index: number, all: readonly number[]): number {
  return all.slice(0, index + 1).reduce((sum, ms) => sum + ms, 0);
}

test("no more goes through a bucket than its rate and its burst allow, and that at once", async () => {
  const wait = fc.integer({ min: 0, max: 3000 });
  await fc.assert(
    fc.asyncProperty(fc.array(wait, { maxLength: 50 }), async (waits) => {
      const clock = new ManualClock();
      const bucket = new TokenBucket({ perSecond: 2, burst: 5 }, clock.nowMs());
      /** When each reservation may go. */
      const goes: number[] = [];
      for (const ms of waits) {
        clock.freeze(ms);
        goes.push(clock.nowMs() + bucket.reserve(clock.nowMs()));
      }
      assert.deepEqual(goes.slice(0, 5), waits.map(sumUpTo).slice(0, 5));
      for (const [first, from] of goes.entries()) {
        for (const [last, to] of goes.entries()) {
          if (last < first) continue;
          const allowed = 5 + ((to - from) / 1000) * 2;
          assert.ok(last - first + 1 <= allowed + 1e-6, `${last - first + 1} in ${to - from} ms`);
        }
      }
    }),
    { numRuns: 100 },
  );
});

test("a bucket that is empty refuses who cannot wait, and takes nothing for it", async () => {
  const clock = new ManualClock();
  const bucket = new TokenBucket({ perSecond: 1, burst: 1 }, clock.nowMs());
  assert.deepEqual(
    [bucket.tryTake(clock.nowMs()), bucket.tryTake(clock.nowMs()), bucket.tryTake(clock.nowMs())],
    [true, false, false],
  );
  await clock.advance(1000);
  assert.equal(bucket.tryTake(clock.nowMs()), true);
});

function late(): Error {
  return new Error("late");
}

test("a deadline passes on why it was aborted, and lets go of what it follows", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const expired = new Deadline(clock, 10, late, [stop.signal]);
  const followed = new Deadline(clock, 1000, late, [undefined, stop.signal]);
  const disposed = new Deadline(clock, 10, late, [stop.signal]);
  disposed[Symbol.dispose]();
  await clock.advance(10);
  assert.match(String(expired.signal.reason), /late/);
  stop.abort(new Error("enough"));
  assert.match(String(followed.signal.reason), /enough/);
  assert.equal(disposed.signal.aborted, false);
  assert.deepEqual(clock.pendingMs, []);
  assert.match(String(new Deadline(clock, 10, late, [stop.signal]).signal.reason), /enough/);
});

test("a delay ends with the signal's reason and leaves no timer", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const waiting = assert.rejects(delay(clock, 1000, stop.signal), /enough/);
  stop.abort(new Error("enough"));
  await waiting;
  await assert.rejects(delay(clock, 1000, stop.signal), /enough/);
  assert.deepEqual(clock.pendingMs, []);
});

test("a time too far away for Node's timers is not now", async (t) => {
  let fired = false;
  const timer = systemClock.schedule(2 ** 40, () => (fired = true));
  await delay(systemClock, 5);
  timer[Symbol.dispose]();
  t.assert.equal(fired, false);
});
