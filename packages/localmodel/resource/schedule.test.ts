import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { scheduledAt, unknownTimeZone } from "./schedule.ts";
import { ScheduleWindow, WEEKDAYS } from "./schedule-spec.ts";

const window = (fields: object): ScheduleWindow =>
  ScheduleWindow.parse({ from: "08:00", to: "18:00", minReplicas: 2, ...fields });

const least = (windows: readonly ScheduleWindow[], time: string): number =>
  scheduledAt(windows, Date.parse(time)).minReplicas;

test("a window is open from its first minute to the one before its end, by its own clocks", () => {
  const office = [window({ days: ["Mon", "Tue"], timeZone: "Europe/Berlin" })];
  // A Monday in summer, two hours behind Berlin.
  assert.equal(least(office, "2026-07-06T05:59:59Z"), 0);
  assert.equal(least(office, "2026-07-06T06:00:00Z"), 2);
  assert.equal(least(office, "2026-07-06T15:59:59Z"), 2);
  assert.equal(least(office, "2026-07-06T16:00:00Z"), 0);
  // In winter it is one.
  assert.equal(least(office, "2026-01-05T06:30:00Z"), 0);
  assert.equal(least(office, "2026-01-05T07:00:00Z"), 2);
  assert.equal(least(office, "2026-07-08T08:00:00Z"), 0, "a Wednesday");
});

test("a window that ends at or before its beginning ends on the next day", () => {
  const night = [window({ days: ["Fri"], from: "22:00", to: "06:00" })];
  assert.equal(least(night, "2026-07-10T21:59:00Z"), 0);
  assert.equal(least(night, "2026-07-10T22:00:00Z"), 2);
  assert.equal(least(night, "2026-07-11T05:59:00Z"), 2, "Saturday morning is Friday's night");
  assert.equal(least(night, "2026-07-11T06:00:00Z"), 0);
  assert.equal(least(night, "2026-07-10T05:00:00Z"), 0, "Friday morning is Thursday's night");
  const sunday = [window({ days: ["Sun"], from: "00:00", to: "00:00" })];
  assert.equal(least(sunday, "2026-07-12T00:00:00Z"), 2);
  assert.equal(least(sunday, "2026-07-12T23:59:00Z"), 2);
  assert.equal(least(sunday, "2026-07-13T00:00:00Z"), 0);
});

test("the most that an open window asks for counts", () => {
  const windows = [window({}), window({ from: "12:00", to: "13:00", minReplicas: 5 })];
  assert.equal(least(windows, "2026-07-06T11:00:00Z"), 2);
  assert.equal(least(windows, "2026-07-06T12:30:00Z"), 5);
  assert.deepEqual(scheduledAt([], 0), { minReplicas: 0, againInMs: undefined });
});

test("a zone that nobody knows is named", () => {
  assert.equal(unknownTimeZone([window({ timeZone: "Europe/Berlin" })]), undefined);
  const wrong = [window({}), window({ timeZone: "Europe/Atlantis" })];
  assert.equal(unknownTimeZone(wrong), "Europe/Atlantis");
});

const someTime = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
  .map((parts) => parts.map((part) => String(part).padStart(2, "0")).join(":"));
const someWindow = fc
  .record({
    days: fc.uniqueArray(fc.constantFrom(...WEEKDAYS), { minLength: 1 }),
    from: someTime,
    to: someTime,
    minReplicas: fc.integer({ min: 1, max: 5 }),
    // Half an hour off, a quarter off, and one whose summer is half an hour.
    timeZone: fc.constantFrom("UTC", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"),
  })
  .map(window);

test("whoever looks again when told to sees every change, at most a quarter of an hour late where clocks are put", () => {
  const start = Date.parse("2026-01-01T00:00:00Z");
  const year = 365 * 24 * 60;
  fc.assert(
    fc.property(
      fc.array(someWindow, { minLength: 1, maxLength: 4 }),
      fc.nat({ max: year }),
      fc.nat({ max: 59_999 }),
      (windows, minutes, ms) => {
        const nowMs = start + minutes * 60_000 + ms;
        const { minReplicas, againInMs = 0 } = scheduledAt(windows, nowMs);
        assert.ok(againInMs > 0 && againInMs <= 15 * 60_000);
        if (offsetsOf(windows, nowMs) !== offsetsOf(windows, nowMs + againInMs)) return;
        for (let inMs = 0; inMs < againInMs; inMs += 20_000) {
          assert.equal(scheduledAt(windows, nowMs + inMs).minReplicas, minReplicas);
        }
      },
    ),
    { numRuns: Number(process.env["FC_RUNS"] ?? 500) },
  );
});

function offsetsOf(windows: readonly ScheduleWindow[], timeMs: number): string {
  const offset = (timeZone: string): string =>
    new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" }).format(timeMs);
  return windows.map(({ timeZone }) => offset(timeZone).replace(/.*GMT/, "")).join();
}
