import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Scale } from "../model/scale.ts";
import type { Bounds } from "./bounds.ts";
import { changesInMs, type Load, nextScale, RISE_MS } from "./scale.ts";

const bounds: Bounds = {
  minReplicas: 0,
  maxReplicas: 4,
  requestsPerReplica: 4,
  idleMs: 60_000,
  scaleDownMs: 30_000,
};
const START_MS = 1_800_000_000_000;
const asleep: Scale = { desired: 0, reason: "Asleep", sinceMs: START_MS, lastUsedMs: START_MS };
const awake = (desired: number): Scale => ({ ...asleep, desired, reason: "Demand" });

function load(requests: number, more: Partial<Load> = {}): Load {
  const rest = { lastUsedMs: 0, isWhole: true, isSentToSleep: false, idlePods: 1000 };
  return { requests, ...rest, ...more };
}

/** What comes of a history: each entry is a load, and how many seconds after the start it was seen. */
function after(
  first: Scale,
  history: readonly (readonly [seconds: number, load: Load])[],
  by: Bounds = bounds,
): Scale {
  return history.reduce(
    (scale, [seconds, seen]) => nextScale(scale, by, seen, START_MS + seconds * 1000),
    first,
  );
}

test("the first request wakes at once, and more replicas only what lasts", () => {
  assert.equal(after(asleep, [[1, load(50)]]).desired, 1);
  const held = [
    [1, load(50)],
    [2, load(50)],
  ] as const;
  assert.equal(after(asleep, held).desired, 1);
  assert.equal(after(asleep, [...held, [5, load(50)]]).desired, 4);
});

test("a burst that is over soon starts nothing", () => {
  const history = [
    [1, load(9)],
    [2, load(3)],
    [10, load(9)],
    [12, load(4)],
  ] as const;
  assert.equal(after(awake(1), history).desired, 1);
});

test("as many replicas come as were needed all of the while", () => {
  const history = [
    [1, load(16)],
    [2, load(9)],
    [5, load(16)],
  ] as const;
  assert.equal(after(awake(1), history).desired, 3);
});

test("a request that does not wait wakes as well, once", () => {
  const asked = load(0, { lastUsedMs: START_MS + 5000 });
  assert.equal(after(asleep, [[5, asked]]).desired, 1);
  const before = load(0, { lastUsedMs: START_MS - 5000 });
  assert.equal(after(asleep, [[5, before]]).desired, 0);
});

test("what nobody uses sleeps after its time, from however many replicas", () => {
  assert.equal(after(awake(3), [[59, load(0)]]).desired > 0, true);
  assert.equal(after(awake(3), [[61, load(0)]]).desired, 0);
  assert.equal(after(awake(1), [[61, load(0, { isWhole: false })]]).desired, 1);
  assert.equal(after(awake(1), [[1, load(0, { isSentToSleep: true })]]).desired, 0);
  const { desired } = after(awake(1), [[999, load(0)]], { ...bounds, minReplicas: 1 });
  assert.equal(desired, 1);
});

test("fewer come after a window in which fewer would have done, to the most that was needed in it", () => {
  const history = [
    [31, load(3)],
    [45, load(7)],
    [60, load(3)],
  ] as const;
  assert.equal(after(awake(4), history).desired, 4);
  assert.equal(after(awake(4), [...history, [61, load(3)]]).desired, 2);
  const broken = [...history.slice(0, 2), [50, load(13)], [61, load(3)]] as const;
  assert.equal(after(awake(4), broken).desired, 4);
});

test("only idle pods go, and what is more than needed waits for as long as all are busy", () => {
  const busy = load(3, { idlePods: 1 });
  const history = [
    [1, busy],
    [31, busy],
  ] as const;
  assert.equal(after(awake(4), history).desired, 3);
  const allBusy = load(3, { idlePods: 0 });
  const more = [
    [1, allBusy],
    [31, allBusy],
  ] as const;
  const waiting = after(awake(4), [...more, [61, allBusy], [999, allBusy]]);
  assert.deepEqual([waiting.desired, waiting.surplus, waiting.reason], [4, 3, "Busy"]);
  assert.equal(changesInMs(waiting, bounds, allBusy, START_MS + 999_000), undefined);
  assert.equal(after(waiting, [[1000, busy]]).desired, 3);
  // When more are needed again, they stay.
  const { surplus, reason } = after(waiting, [[1000, load(14, { idlePods: 0 })]]);
  assert.deepEqual([surplus, reason], [undefined, "Maximum"]);
});

test("a pod of the API service that is not heard is told of after a while", () => {
  const unknown = load(1, { isWhole: false });
  assert.equal(after(awake(2), [[1, unknown]]).reason, "Demand");
  const { reason } = after(awake(2), [
    [1, unknown],
    [17, unknown],
  ]);
  assert.equal(reason, "DemandUnknown");
});

test("a window of the schedule wakes what sleeps, says so, and is looked at again when it ends", () => {
  const changesAtMs = START_MS + 600_000;
  const open = { ...bounds, minReplicas: 2, isScheduled: true, changesAtMs };
  const scale = after(asleep, [[1, load(0)]], open);
  assert.deepEqual([scale.desired, scale.reason], [2, "Schedule"]);
  assert.equal(changesInMs(scale, open, load(0), START_MS + 1000), 599_000);
  assert.equal(
    after(
      scale,
      [
        [2, load(12)],
        [6, load(12)],
      ],
      open,
    ).reason,
    "Demand",
  );
  // When it is over, what nobody uses sleeps as ever.
  assert.equal(after(scale, [[62, load(0)]]).desired, 0);
});

const someBounds = fc
  .record({
    minReplicas: fc.nat({ max: 4 }),
    more: fc.nat({ max: 6 }),
    requestsPerReplica: fc.integer({ min: 1, max: 9 }),
    idleMs: fc.nat({ max: 90_000 }),
    scaleDownMs: fc.nat({ max: 90_000 }),
  })
  .map(({ more, ...rest }) => ({
    ...rest,
    maxReplicas: Math.max(1, rest.minReplicas + more),
  }));

/** Seconds that pass, possibly back, and what is seen then. */
const someEvent = fc.tuple(
  fc.integer({ min: -5000, max: 40_000 }),
  fc.record({
    requests: fc.oneof(fc.constant(0), fc.nat({ max: 60 })),
    lastUsedMs: fc.integer({ min: START_MS - 100_000, max: START_MS + 1_000_000 }),
    isWhole: fc.boolean(),
    isSentToSleep: fc.boolean(),
    idlePods: fc.nat({ max: 10 }),
  }),
);
const someScale = fc.record({
  desired: fc.nat({ max: 12 }),
  reason: fc.constantFrom("Asleep", "Demand", "Maximum" as const),
  sinceMs: fc.integer({ min: START_MS - 100_000, max: START_MS + 100_000 }),
  lastUsedMs: fc.integer({ min: START_MS - 100_000, max: START_MS + 100_000 }),
}) as fc.Arbitrary<Scale>;

type Step = { before: Scale; scale: Scale; seen: Load; nowMs: number };

function stepsOf(first: Scale, by: Bounds, events: readonly (readonly [number, Load])[]): Step[] {
  let scale = first;
  let nowMs = START_MS;
  return events.map(([passesMs, seen]) => {
    const before = scale;
    nowMs += passesMs;
    scale = nextScale(before, by, seen, nowMs);
    return { before, scale, seen, nowMs };
  });
}

const history = fc.array(someEvent, { maxLength: 40 });
const runs = { numRuns: Number(process.env["FC_RUNS"] ?? 500) };

test("from any history: within the bounds, no sleep while asked, no scale-in above the target or of a busy pod", () => {
  fc.assert(
    fc.property(someScale, someBounds, history, (first, by, events) => {
      for (const { before, scale, seen } of stepsOf(first, by, events)) {
        assert.ok(scale.desired >= by.minReplicas && scale.desired <= by.maxReplicas);
        const within = Math.min(by.maxReplicas, Math.max(by.minReplicas, before.desired));
        if (scale.desired === 0) assert.equal(seen.requests, 0);
        if (scale.desired >= within) continue;
        assert.ok(seen.isWhole, "fewer although somebody was not heard");
        assert.ok(seen.requests <= scale.desired * by.requestsPerReplica);
        if (scale.desired > 0) assert.ok(within - scale.desired <= seen.idlePods);
      }
    }),
    runs,
  );
});

test("from any history: within one window it goes one way, but for the first and the last replica", () => {
  fc.assert(
    fc.property(someScale, someBounds, history, (first, by, events) => {
      let roseAtMs = -Infinity;
      for (const { before, scale, nowMs } of stepsOf(first, by, events)) {
        roseAtMs = scale.desired > before.desired ? nowMs : Math.min(roseAtMs, nowMs);
        const isFewer = scale.desired < before.desired && scale.desired > 0;
        const isBound = before.desired > by.maxReplicas;
        if (isFewer && !isBound) assert.ok(nowMs - roseAtMs >= by.scaleDownMs);
      }
    }),
    runs,
  );
});

test("under a steady load it comes to rest where the load needs it, and stays", () => {
  fc.assert(
    fc.property(someScale, someBounds, fc.nat({ max: 60 }), (first, by, requests) => {
      const seen = load(requests, { idlePods: 1000 });
      let nowMs = START_MS;
      let scale = nextScale(first, by, seen, nowMs);
      for (let looks = 0; looks < 50; looks += 1) {
        const inMs = changesInMs(scale, by, seen, nowMs);
        if (inMs === undefined) break;
        nowMs += inMs;
        scale = nextScale(scale, by, seen, nowMs);
      }
      const needed = Math.max(requests > 0 ? 1 : 0, Math.ceil(requests / by.requestsPerReplica));
      const rest = Math.min(by.maxReplicas, Math.max(by.minReplicas, needed));
      assert.equal(scale.desired, rest);
      assert.equal(nextScale(scale, by, seen, nowMs + 10 * RISE_MS).desired, rest);
    }),
    runs,
  );
});

test("demand that swings around a threshold changes the number at most once a window", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(3, 5), { minLength: 50, maxLength: 400 }), (swings) => {
      const events = swings.map((requests) => [1000, load(requests)] as const);
      const steps = stepsOf(awake(1), { ...bounds, minReplicas: 1 }, events);
      const changes = steps.filter(({ before, scale }) => before.desired !== scale.desired).length;
      assert.ok(changes <= 2 + (2 * events.length * 1000) / bounds.scaleDownMs);
    }),
    runs,
  );
});
