/** What is told when, on a clock that only the test moves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@localmodel/kube/fixtures/manual-clock.ts";
import { type ModelDemand, parseDemandPicture } from "@localmodel/localmodel/contracts/demand.ts";
import * as fc from "fast-check";
import { model } from "../fixtures/gateway.ts";
import { DemandFeed, PAUSE_MS } from "./feed.ts";

type Told = { readonly atMs: number; readonly models: readonly ModelDemand[] };

/** Models by name, each with so many requests in the queue. */
class World {
  readonly clock = new ManualClock();
  readonly feed = new DemandFeed("api-0", this.clock);
  readonly queued = new Map<string, number>();

  constructor() {
    this.feed.watch({
      current: () => ({}),
      models: () => [...this.queued].map(([name, queued]) => demandOf(name, queued)),
      isAskedFor: (id) => (this.queued.get(id) ?? 0) > 0,
      isWaitedFor: () => false,
    });
  }

  set(name: string, queued: number): void {
    this.queued.set(name, queued);
    this.feed.changed(name);
  }

  /** `takes`: how many lines until it has to be resumed. */
  listen(takes = Infinity) {
    const told: Told[] = [];
    let left = takes;
    const subscription = this.feed.subscribe({
      write: (line) => {
        const { models } = parseDemandPicture(line) ?? assert.fail(line);
        told.push({ atMs: this.clock.nowMs(), models });
        left -= 1;
        return left > 0;
      },
      end: () => told.push({ atMs: Infinity, models: [] }),
    });
    const resume = (): void => {
      left = takes;
      subscription.resume();
    };
    return { told, subscription, resume };
  }
}

function demandOf(name: string, queued: number): ModelDemand {
  const never = { lastAskedAtMs: 0, lastCameAtMs: 0 };
  return { namespace: "a", name, inFlight: 0, queued, ...never, servers: [] };
}

const asked = ({ models }: Told) =>
  models
    .filter(({ queued }) => queued > 0)
    .map(({ name }) => name)
    .toSorted();
const counts = (models: readonly ModelDemand[]) => models.map(({ name, queued }) => [name, queued]);

test("the whole picture comes at once, and again every five seconds when nothing changes", async () => {
  const world = new World();
  world.set("m", 3);
  const { told } = world.listen();
  await world.clock.advance(2 * PAUSE_MS.heartbeat);
  assert.deepEqual(
    told.map(({ atMs }) => atMs),
    [0, 5000, 10_000],
  );
  assert.deepEqual(counts(told[0]?.models ?? []), [["m", 3]]);
});

test("a model that begins or ceases to be asked for is told at once, other numbers four times a second", async () => {
  const world = new World();
  const { told } = world.listen();
  await world.clock.advance(1000);
  world.set("m", 1);
  await world.clock.advance(1);
  assert.equal(told.at(-1)?.atMs, 1000);
  world.set("m", 2);
  await world.clock.advance(248);
  assert.equal(told.length, 2);
  await world.clock.advance(1);
  assert.equal(told.at(-1)?.atMs, 1250);
  world.set("m", 0);
  await world.clock.advance(10);
  assert.equal(told.at(-1)?.atMs, 1260);
  assert.deepEqual(counts(told.at(-1)?.models ?? []), [["m", 0]]);
});

test("whoever did not wait for a model without servers is told of at once as well", async () => {
  const world = new World();
  const { told } = world.listen();
  await world.clock.advance(1000);
  world.queued.set("m", 0);
  world.feed.changed("m", { isAwaited: true });
  await world.clock.advance(0);
  assert.equal(told.at(-1)?.atMs, 1000);
});

test("a wish for sleep is told with the model, at once", async () => {
  const world = new World();
  world.set("m", 0);
  const { told } = world.listen();
  await world.clock.advance(1000);
  world.feed.unload(model("m", { server: "a/m" }));
  await world.clock.advance(0);
  assert.equal(told.at(-1)?.models[0]?.sleepAskedAtMs, world.clock.date().getTime());
});

test("whatever happens: what is told at the end is what is, edges in time, lines bounded", async () => {
  const step = fc.record({
    name: fc.constantFrom("a", "b", "c"),
    queued: fc.nat({ max: 2 }),
    waitMs: fc.oneof(fc.constant(0), fc.nat({ max: 12 }), fc.nat({ max: 600 })),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const world = new World();
      const { told } = world.listen();
      for (const { name, queued, waitMs } of steps) {
        world.set(name, queued);
        await world.clock.advance(waitMs);
        if (waitMs < PAUSE_MS.edge) continue;
        const now = [...world.queued].filter(([, count]) => count > 0).map(([id]) => id);
        assert.deepEqual(asked(told.at(-1) ?? assert.fail()), now.toSorted());
      }
      await world.clock.advance(PAUSE_MS.numbers);
      assert.deepEqual(counts(told.at(-1)?.models ?? []), [...world.queued]);
      for (const [index, { atMs }] of told.slice(1).entries()) {
        const pauseMs = atMs - (told[index]?.atMs ?? 0);
        assert.ok(pauseMs >= PAUSE_MS.edge && pauseMs <= PAUSE_MS.heartbeat);
      }
    }),
  );
});

test("a listener that takes no more is told nothing until it does, and then what is", async () => {
  const world = new World();
  const { told, resume } = world.listen(1);
  for (let queued = 1; queued <= 50; queued++) {
    world.set("m", queued);
    await world.clock.advance(300);
  }
  assert.equal(told.length, 1);
  resume();
  await world.clock.advance(0);
  assert.deepEqual(counts(told.at(-1)?.models ?? []), [["m", 50]]);
  assert.equal(told.length, 2);
});

test("at the end it is told what is, and then nothing more", async () => {
  const world = new World();
  const { told } = world.listen();
  world.set("m", 1);
  world.feed.end();
  assert.deepEqual(
    told.map(({ models }) => counts(models)),
    [[], [["m", 1]], []],
  );
  assert.equal(told.at(-1)?.atMs, Infinity);
  assert.equal(world.feed.listeners, 0);
  assert.deepEqual(world.clock.pendingMs, []);
});
