import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { EventQueue } from "./event-queue.ts";

test("gives every event once and in order, however pushing and reading interleave", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 20 }),
      fc.scheduler(),
      async (bursts, scheduler) => {
        const stream = new EventQueue<number>();
        const total = bursts.reduce((sum, burst) => sum + burst, 0);
        let pushed = 0;
        const pushing = scheduler.scheduleSequence(
          bursts.map((burst) => async () => {
            for (let index = 0; index < burst; index++) stream.push(pushed++);
          }),
        );
        const read: number[] = [];
        const reading = (async () => {
          if (total === 0) return;
          for await (const event of stream) {
            read.push(event);
            if (read.length === total) return;
            await scheduler.schedule(Promise.resolve());
          }
        })();
        await scheduler.waitFor(Promise.all([pushing.task, reading]));
        assert.deepEqual(read, [...Array(total).keys()]);
      },
    ),
    { numRuns: 200 },
  );
});

test("wakes a reader that waits when it fails, with the reason itself", async () => {
  const stream = new EventQueue<number>();
  const reason = new Error("engine died");
  const next = stream[Symbol.asyncIterator]().next();
  stream.fail(reason);
  await assert.rejects(next, reason);
});

test("fails even when the reason is nothing", async () => {
  const stream = new EventQueue<number>();
  stream.fail(undefined);
  await assert.rejects(
    async () => {
      await stream[Symbol.asyncIterator]().next();
    },
    (error) => error === undefined,
  );
});

test("drops what was not read yet when it fails, and keeps its first reason", async () => {
  const stream = new EventQueue<number>();
  const events = stream[Symbol.asyncIterator]();
  stream.push(1);
  stream.push(2);
  assert.deepEqual(await events.next(), { done: false, value: 1 });
  stream.fail(new Error("first"));
  stream.fail(new Error("second"));
  await assert.rejects(events.next(), /first/u);
});

test("ends for a reader that stops reading", async () => {
  const stream = new EventQueue<number>();
  stream.push(1);
  stream.push(2);
  for await (const event of stream) {
    assert.equal(event, 1);
    break;
  }
});
