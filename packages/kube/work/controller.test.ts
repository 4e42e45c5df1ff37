import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Controller, type ControllerOptions } from "./controller.ts";
import { silentLog } from "../log.ts";
import { exposition } from "@localmodel/telemetry/metrics/exposition.ts";
import { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import { ObjectCache } from "../cache/object-cache.ts";
import type { KubeObject } from "../objects/objects.ts";
import type { Reconcile } from "./reconcile.ts";
import { defineResource } from "../objects/resource.ts";
import { ManualClock, settle } from "../fixtures/manual-clock.ts";
import { WrittenVersions } from "../cache/written-versions.ts";

const THINGS = defineResource({
  group: "example.dev",
  version: "v1",
  plural: "things",
  kind: "Thing",
  namespaced: true,
});

function thing(name: string, version = 1, labels: Record<string, string> = {}): KubeObject {
  const resourceVersion = String(version);
  return { metadata: { namespace: "home", name, uid: name, resourceVersion, labels } };
}

function setUp(t: TestContext, reconcile: Reconcile, options: Partial<ControllerOptions> = {}) {
  const clock = new ManualClock();
  const metrics = new MetricRegistry();
  const errors: Readonly<Record<string, unknown>>[] = [];
  const log = {
    ...silentLog,
    error: (_: string, fields: Readonly<Record<string, unknown>> = {}) => void errors.push(fields),
  };
  const controller = new Controller("things", reconcile, {
    clock,
    metrics,
    log,
    random: () => 0.5,
    ...options,
  });
  const stop = new AbortController();
  const kill = new AbortController();
  const running = controller.run(stop.signal, kill.signal);
  t.after(async () => {
    kill.abort();
    stop.abort();
    await running;
  });
  const counted = (line: string): boolean => exposition(metrics).text.split("\n").includes(line);
  return {
    clock,
    metrics,
    errors,
    controller,
    queue: controller.queue,
    stop,
    kill,
    running,
    counted,
  };
}

test("a pass that returns nothing is done until something changes", async (t) => {
  const passes: unknown[] = [];
  const it = setUp(t, async ({ key, name }) => void passes.push([key, name]));
  it.queue.add("home/a");
  await it.clock.advance(3_600_000);
  assert.deepEqual(passes, [["home/a", { namespace: "home", name: "a" }]]);
  assert.ok(
    it.counted('controller_runtime_reconcile_total{controller="things",result="success"} 1'),
  );
});

test("a pass can ask to be looked at again at a certain time", async (t) => {
  const times: number[] = [];
  const it = setUp(t, async () => {
    times.push(it.clock.nowMs());
    return times.length < 3 ? { requeueAfterMs: 60_000 } : undefined;
  });
  it.queue.add("home/a");
  await it.clock.advance(300_000);
  assert.deepEqual(times, [0, 60_000, 120_000]);
  assert.ok(
    it.counted('controller_runtime_reconcile_total{controller="things",result="requeue_after"} 2'),
  );
});

test("a pass can ask to come back soon, later each time, without being an error", async (t) => {
  const times: number[] = [];
  const it = setUp(t, async () => {
    times.push(it.clock.nowMs());
    return times.length < 4 ? "requeue" : undefined;
  });
  it.queue.add("home/a");
  await it.clock.advance(1000);
  assert.deepEqual(times, [0, 5, 15, 35]);
  assert.equal(it.queue.failures("home/a"), 0);
  assert.deepEqual(it.errors, []);
  assert.ok(
    it.counted('controller_runtime_reconcile_total{controller="things",result="requeue"} 3'),
  );
});

test("a pass that fails comes back later each time and is told with its key", async (t) => {
  const times: number[] = [];
  const it = setUp(t, async () => {
    times.push(it.clock.nowMs());
    if (times.length < 3) throw new Error("not now");
  });
  it.queue.add("home/a");
  await it.clock.advance(1000);
  assert.deepEqual(times, [0, 5, 15]);
  assert.equal(it.errors.length, 2);
  assert.equal(it.errors[0]?.["object"], "home/a");
  assert.ok(it.counted('controller_runtime_reconcile_errors_total{controller="things"} 2'));
});

test("a bug in a pass, thrown before its first await, does not end the worker", async (t) => {
  const seen: string[] = [];
  const it = setUp(
    t,
    ({ key }) => {
      seen.push(key);
      if (key === "home/bad" && seen.length === 1) throw new TypeError("x is undefined");
      return Promise.resolve(undefined);
    },
    { workers: 1 },
  );
  it.queue.add("home/bad");
  it.queue.add("home/good");
  await it.clock.advance(100);
  assert.deepEqual(seen, ["home/bad", "home/good", "home/bad"]);
  assert.ok(it.counted('controller_runtime_reconcile_panics_total{controller="things"} 1'));
});

test("no more passes run at once than there are workers, and never two for one key", async (t) => {
  const running = new Set<string>();
  let most = 0;
  const gates: (() => void)[] = [];
  const it = setUp(
    t,
    async ({ key }) => {
      assert.ok(!running.has(key));
      running.add(key);
      most = Math.max(most, running.size);
      await new Promise<void>((resolve) => gates.push(resolve));
      running.delete(key);
    },
    { workers: 3 },
  );
  for (let i = 0; i < 10; i += 1) it.queue.add(`home/${i}`);
  await settle();
  it.queue.add("home/0");
  assert.equal(running.size, 3);
  assert.ok(it.counted('controller_runtime_active_workers{controller="things"} 3'));
  for (let i = 0; i < 11; i += 1) {
    gates.shift()?.();
    await settle();
  }
  assert.equal(most, 3);
  assert.equal(running.size, 0);
});

test("a pass that takes too long is told to end and comes back", async (t) => {
  let passes = 0;
  const it = setUp(
    t,
    async ({ signal }) => {
      passes += 1;
      if (passes > 1) return;
      await new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason)),
      );
    },
    { timeoutMs: 5000 },
  );
  it.queue.add("home/a");
  await it.clock.advance(5100);
  assert.equal(passes, 2);
  assert.match(String(it.errors[0]?.["error"]), /longer than 5 s/);
  assert.ok(it.counted('controller_runtime_reconcile_timeouts_total{controller="things"} 1'));
});

test("a change concerns the object's own key, or those a mapping says, before and after", async (t) => {
  const seen: string[] = [];
  const it = setUp(t, async ({ key }) => void seen.push(key));
  const own = new ObjectCache(silentLog);
  const others = new ObjectCache(silentLog);
  it.controller.owns(own);
  it.controller.watches(others, ({ metadata }) => [`home/${metadata.labels?.["of"] ?? ""}`]);
  own.replace([thing("a")], "1");
  others.replace([thing("x", 1, { of: "b" })], "1");
  await settle();
  assert.deepEqual(seen.splice(0), ["home/a", "home/b"]);
  others.put(thing("x", 2, { of: "c" }));
  await settle();
  assert.deepEqual(seen.splice(0), ["home/b", "home/c"]);
  own.remove(thing("a", 3));
  await settle();
  assert.deepEqual(seen, ["home/a"]);
});

test("everything is looked at again now and then, after what is new", async (t) => {
  const seen: string[] = [];
  const own = new ObjectCache(silentLog);
  own.replace([thing("a"), thing("b")], "1");
  const it = setUp(t, async ({ key }) => void seen.push(key), { resyncMs: 1000 });
  it.controller.owns(own);
  await settle();
  assert.deepEqual(seen.splice(0), ["home/a", "home/b"]);
  await it.clock.advance(1000);
  assert.deepEqual(seen.splice(0), ["home/a", "home/b"]);
  await it.clock.advance(1000);
  assert.deepEqual(seen, ["home/a", "home/b"]);
});

test("a pass waits until it can read what the pass before it wrote", async (t) => {
  const clock = new ManualClock();
  const written = new WrittenVersions(clock);
  const cache = new ObjectCache(silentLog);
  cache.replace([], "10");
  written.seenIn(THINGS, cache);
  const seen: unknown[] = [];
  const it = setUp(
    t,
    async ({ key }) => {
      seen.push([key, cache.resourceVersion]);
      if (seen.length === 1) written.record(key, THINGS, thing("child", 15));
    },
    { clock, written },
  );
  it.queue.add("home/a");
  await settle();
  it.queue.add("home/a");
  it.queue.add("home/b");
  await settle();
  cache.put(thing("other", 14));
  await settle();
  assert.deepEqual(seen, [
    ["home/a", "10"],
    ["home/b", "10"],
  ]);
  cache.put(thing("child", 15));
  await settle();
  assert.deepEqual(seen.slice(2), [["home/a", "15"]]);
});

test("a write that is never to be seen delays passes, but not for ever", async (t) => {
  const clock = new ManualClock();
  const written = new WrittenVersions(clock);
  const cache = new ObjectCache(silentLog);
  cache.replace([], "10");
  written.seenIn(THINGS, cache);
  let passes = 0;
  const limits = { firstMs: 5, maxMs: 20_000, perSecond: 10, burst: 100 };
  const it = setUp(t, async () => void (passes += 1), { clock, written, limits });
  written.record("home/a", THINGS, thing("child", 15));
  it.queue.add("home/a");
  await clock.advance(60_000);
  assert.equal(passes, 0);
  assert.match(String(it.errors[0]?.["error"]), /does not show what was written for home\/a/);
  await clock.advance(300_000);
  assert.equal(passes, 1);
});

test("stopping lets passes under way come to their end and starts no others", async (t) => {
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const it = setUp(
    t,
    async ({ key, signal }) => {
      seen.push(key);
      await gate.promise;
      assert.equal(signal.aborted, false);
      seen.push("finished");
    },
    { workers: 1 },
  );
  it.queue.add("home/a");
  it.queue.add("home/b");
  await settle();
  it.stop.abort();
  await settle();
  assert.deepEqual(seen, ["home/a"]);
  gate.resolve();
  await it.running;
  assert.deepEqual(seen, ["home/a", "finished"]);
  assert.deepEqual(it.clock.pendingMs, []);
});
