import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { exposition } from "@localmodel/telemetry/metrics/exposition.ts";
import { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import { ManualClock, settle } from "../fixtures/manual-clock.ts";
import { type Priority, WorkQueue } from "./work-queue.ts";

function newQueue(limits = { firstMs: 5, maxMs: 1_000_000, perSecond: 10, burst: 100 }) {
  const clock = new ManualClock();
  const metrics = new MetricRegistry();
  const queue = new WorkQueue("test", { clock, metrics, limits });
  return { clock, metrics, queue };
}

/** What is ready now, in order, taken and given back. */
async function drain(queue: WorkQueue): Promise<string[]> {
  const keys: string[] = [];
  while (queue.size > 0) {
    const key = await queue.take();
    if (key === undefined) break;
    keys.push(key);
    queue.done(key);
  }
  return keys;
}

function rank(priority: Priority): number {
  return priority === "normal" ? 0 : 1;
}

/**
 * The queue as one would explain it: every key has at most one wish to be worked on, with a time, a
 * priority and a place in the order of arrival; a key that is worked on keeps its wish until it is done.
 */
class Model {
  readonly wishes = new Map<string, { atMs: number; priority: Priority; order: number }>();
  readonly running = new Set<string>();
  #order = 0;

  wish(key: string, atMs: number, priority: Priority, nowMs: number): void {
    const known = this.wishes.get(key);
    if (known === undefined) {
      this.wishes.set(key, { atMs, priority, order: (this.#order += 1) });
      return;
    }
    const isDue = known.atMs <= nowMs;
    if (isDue && atMs > nowMs) return;
    if (!isDue && atMs >= known.atMs) return;
    const wanted = known.priority === "normal" || priority === "normal" ? "normal" : "low";
    const comesDue = !isDue && atMs <= nowMs;
    // A wish put forward into the future keeps the urgency of who put it forward.
    const urgency = atMs > nowMs ? priority : wanted;
    const moved = comesDue || urgency !== known.priority;
    this.wishes.set(key, {
      atMs: Math.min(atMs, known.atMs),
      priority: urgency,
      order: moved ? (this.#order += 1) : known.order,
    });
  }

  /** Wishes become due one by one, in order of time. */
  pass(untilMs: number): void {
    const due = [...this.wishes].filter(([, wish]) => wish.atMs <= untilMs);
    for (const [, wish] of due.toSorted(([, a], [, b]) => a.atMs - b.atMs)) {
      if (wish.atMs > this.nowMs) wish.order = this.#order += 1;
    }
    this.nowMs = untilMs;
  }

  nowMs = 0;

  take(): string | undefined {
    const due = [...this.wishes].filter(
      ([key, wish]) => wish.atMs <= this.nowMs && !this.running.has(key),
    );
    const [next] = due.toSorted(
      ([, a], [, b]) => rank(a.priority) - rank(b.priority) || a.order - b.order,
    );
    if (next === undefined) return undefined;
    this.wishes.delete(next[0]);
    this.running.add(next[0]);
    return next[0];
  }

  done(key: string): void {
    this.running.delete(key);
    const wish = this.wishes.get(key);
    // It stands in line from now on.
    if (wish !== undefined && wish.atMs <= this.nowMs) wish.order = this.#order += 1;
  }
}

const key = fc.constantFrom("a", "b", "c", "d");
const priority = fc.constantFrom<Priority>("normal", "low");
const action = fc.oneof(
  fc.record({ do: fc.constant("add" as const), key, priority }),
  fc.record({
    do: fc.constant("later" as const),
    key,
    priority,
    ms: fc.integer({ min: 1, max: 50 }),
  }),
  fc.record({ do: fc.constant("take" as const) }),
  fc.record({ do: fc.constant("done" as const), pick: fc.nat() }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 60 }) }),
);

test("whatever is added, taken, done and waited for, the queue does what its model says", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60, size: "max" }), async (actions) => {
      const { clock, queue } = newQueue();
      const model = new Model();
      for (const [index, step] of actions.entries()) {
        const nowMs = clock.nowMs();
        if (step.do === "add") {
          queue.add(step.key, step.priority);
          model.wish(step.key, nowMs, step.priority, nowMs);
        } else if (step.do === "later") {
          // Every timer at a time of its own: nothing is promised about the order of equals.
          const ms = step.ms + index / 1000;
          queue.addAfter(step.key, ms, step.priority);
          model.wish(step.key, nowMs + ms, step.priority, nowMs);
        } else if (step.do === "wait") {
          await clock.advance(step.ms);
          model.pass(clock.nowMs());
        } else if (step.do === "take") {
          const expected = model.take();
          assert.equal(queue.size > 0, expected !== undefined);
          if (expected !== undefined) assert.equal(await queue.take(), expected);
        } else {
          const running = [...model.running];
          const picked = running[step.pick % Math.max(1, running.length)];
          if (picked === undefined) continue;
          queue.done(picked);
          model.done(picked);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test("a key is never worked on twice at a time, however many workers there are", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(key, { maxLength: 40, size: "max" }),
      fc.integer({ min: 1, max: 5 }),
      async (keys, workers) => {
        const { queue } = newQueue();
        const running = new Set<string>();
        const seen = new Set<string>();
        const work = async (): Promise<void> => {
          for (;;) {
            const taken = await queue.take();
            if (taken === undefined) return;
            assert.ok(!running.has(taken), `${taken} is worked on twice`);
            running.add(taken);
            seen.add(taken);
            await settle();
            running.delete(taken);
            queue.done(taken);
          }
        };
        const all = Promise.all(Array.from({ length: workers }, work));
        for (const one of keys) {
          queue.add(one);
          await Promise.resolve();
        }
        while (queue.size > 0 || running.size > 0) await settle();
        await queue.close();
        await all;
        assert.deepEqual(seen, new Set(keys));
      },
    ),
    { numRuns: 50 },
  );
});

test("ten events before a pass are one pass, and one during it is one more", async () => {
  const { queue } = newQueue();
  for (let i = 0; i < 10; i += 1) queue.add("a");
  assert.equal(await queue.take(), "a");
  queue.add("a");
  queue.add("a");
  assert.equal(queue.size, 0);
  queue.done("a");
  assert.deepEqual(await drain(queue), ["a"]);
});

test("what is new goes before what everything needs after a start", async () => {
  const { queue } = newQueue();
  for (const one of ["a", "b", "c"]) queue.add(one, "low");
  queue.add("d");
  queue.add("b");
  assert.deepEqual(await drain(queue), ["d", "b", "a", "c"]);
});

test("a failing key comes back later each time, until it is forgotten", async () => {
  const { clock, queue } = newQueue();
  const waits: number[] = [];
  for (let i = 0; i < 20; i += 1) {
    queue.addRateLimited("a");
    const [waitMs = 0] = clock.pendingMs;
    waits.push(waitMs);
    await clock.advance(waitMs);
    assert.deepEqual(await drain(queue), ["a"]);
  }
  assert.deepEqual(waits.slice(0, 4), [5, 10, 20, 40]);
  assert.equal(waits.at(-1), 1_000_000);
  assert.equal(queue.failures("a"), 20);
  queue.forget("a");
  queue.addRateLimited("a");
  assert.deepEqual(clock.pendingMs, [5]);
});

test("all failing keys together come back no faster than ten a second after a burst", async () => {
  const { clock, queue } = newQueue();
  for (let i = 0; i < 150; i += 1) queue.addRateLimited(String(i));
  await clock.advance(5);
  assert.equal(queue.size, 100);
  await clock.advance(1000);
  assert.equal(queue.size, 110);
  await clock.advance(4000);
  assert.equal(queue.size, 150);
});

test("closing drops what waits and resolves when what was taken is done", async () => {
  const { clock, queue } = newQueue();
  queue.add("a");
  queue.add("b");
  queue.addAfter("c", 10);
  assert.equal(await queue.take(), "a");
  const takers = [queue.take(), queue.take()];
  assert.equal(await takers[0], "b");
  let closed = false;
  const closing = queue.close().then(() => (closed = true));
  assert.equal(await takers[1], undefined);
  queue.add("d");
  queue.add("a");
  await settle();
  assert.equal(closed, false);
  queue.done("a");
  queue.done("b");
  await closing;
  assert.equal(await queue.take(), undefined);
  assert.deepEqual(clock.pendingMs, []);
});

test("giving back what was not taken is a mistake that is told", () => {
  const { queue } = newQueue();
  queue.add("a");
  assert.throws(() => queue.done("a"), /"a" is done, but nobody has taken it/);
});

test("the queue's metrics have the names dashboards know", async () => {
  const { clock, metrics, queue } = newQueue();
  queue.add("a");
  queue.add("a");
  queue.add("b", "low");
  await clock.advance(2000);
  await queue.take();
  await clock.advance(3000);
  const text = exposition(metrics).text;
  const labels = 'name="test",controller="test"';
  assert.match(text, new RegExp(`workqueue_adds_total\\{${labels}\\} 2`));
  assert.match(text, new RegExp(`workqueue_depth\\{${labels},priority="0"\\} 0`));
  assert.match(text, new RegExp(`workqueue_depth\\{${labels},priority="-100"\\} 1`));
  assert.match(text, new RegExp(`workqueue_queue_duration_seconds_sum\\{${labels}\\} 2`));
  assert.match(text, new RegExp(`workqueue_unfinished_work_seconds\\{${labels}\\} 3`));
  assert.match(text, new RegExp(`workqueue_longest_running_processor_seconds\\{${labels}\\} 3`));
  queue.done("a");
  assert.match(
    exposition(metrics).text,
    new RegExp(`workqueue_work_duration_seconds_sum\\{${labels}\\} 3`),
  );
});
