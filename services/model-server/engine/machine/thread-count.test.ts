import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ThreadCount } from "./thread-count.ts";

/** A machine of which other programs keep some cores busy; processors are shared evenly where they are short. */
type Machine = { readonly cores: number; readonly taken: number };

const STEP_MS = 20;

class Run {
  readonly threads: ThreadCount;
  readonly counts: number[] = [];
  atMs = 0;

  constructor(most: number) {
    this.threads = new ThreadCount(most);
  }

  for(seconds: number, { cores, taken }: Machine): this {
    const untilMs = this.atMs + 1000 * seconds;
    while (this.atMs < untilMs) {
      const { count } = this.threads;
      this.atMs += STEP_MS;
      const granted = Math.min(count, (cores * count) / Math.max(cores, count + taken));
      this.threads.record({ wallMs: STEP_MS, cpuMs: STEP_MS * granted, atMs: this.atMs });
      const idle = Math.max(0, cores - taken - count);
      if (this.threads.mayRise(this.atMs)) this.threads.offer(idle, this.atMs);
      this.counts.push(this.threads.count);
    }
    return this;
  }
}

const machine = fc
  .integer({ min: 1, max: 64 })
  .chain((cores) => fc.record({ cores: fc.constant(cores), taken: fc.nat({ max: cores }) }));

test("alone on its cores, the engine uses all of its threads all the time", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 64 }), (most) => {
      const { counts } = new Run(most).for(5, { cores: most, taken: 0 });
      assert.ok(counts.every((count) => count === most));
    }),
  );
});

test("it leaves cores to others that want them, has them back when they are done, and has one in any case", () => {
  fc.assert(
    fc.property(machine, (busy) => {
      const run = new Run(busy.cores).for(5, busy);
      const { count } = run.threads;
      const fair = Math.max(1, busy.cores - busy.taken);
      assert.ok(count >= 1 && count <= fair + busy.taken / 2 + 1, `${count} of ${fair}`);
      assert.equal(run.for(5, { ...busy, taken: 0 }).threads.count, busy.cores);
    }),
  );
});

test("two threads on two busy cores become one after a moment, and stay one", () => {
  const run = new Run(2).for(60, { cores: 2, taken: 2 });
  assert.equal(run.counts.indexOf(1), 2);
  assert.ok(run.counts.slice(2).every((count) => count === 1));
});

test("after a short disturbance all threads are back within half a second", () => {
  const run = new Run(2).for(0.2, { cores: 2, taken: 2 });
  assert.equal(run.threads.count, 1);
  assert.equal(run.for(0.4, { cores: 2, taken: 0 }).threads.count, 2);
});

test("a rise that is regretted is tried ever more rarely", () => {
  const threads = new ThreadCount(4);
  let rises = 0;
  for (let atMs = 0; atMs < 600_000; atMs += 100) {
    const before = threads.count;
    // Cores seem idle, as those do that this container may not use.
    threads.offer(1, atMs);
    if (threads.count > before) rises += 1;
    threads.record({ wallMs: 100, cpuMs: 100 * Math.min(threads.count, 2), atMs });
  }
  assert.ok(rises <= 20, `${rises} rises in ten minutes`);
});

test("whatever it is told, the number of threads is from one to the most", () => {
  const use = fc.record({ wallMs: fc.nat({ max: 500 }), cpuMs: fc.nat({ max: 9000 }) });
  const told = fc.array(fc.oneof(use, fc.double({ min: 0, max: 100, noNaN: true })));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 64 }), told, (most, all) => {
      const threads = new ThreadCount(most);
      for (const [index, one] of all.entries()) {
        const atMs = index * 700;
        if (typeof one === "number") threads.offer(one, atMs);
        else threads.record({ ...one, atMs });
        assert.ok(Number.isInteger(threads.count) && threads.count >= 1 && threads.count <= most);
      }
    }),
  );
});
