/**
 * The decisions about memory, played out: a model of API service, servers and clock that may do anything at any time.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { fitsIn, type Memory, minus, NO_MEMORY, plus } from "./memory.ts";
import { decideResidence, mostMemory } from "./residence.ts";
import { memoryOf, type Resident } from "./resident.ts";

const TURN_MS = 10;
const IDLE_MS = 100;

type Phase = Resident["phase"];

/** Of the machine's memory, and where it matters of its GPUs'. */
type Size = number | readonly [number, number];

function memoryIn(size: Size): Memory {
  const [ramBytes, deviceBytes] = typeof size === "number" ? [size, 0] : size;
  return { ramBytes, deviceBytes };
}

const size: fc.Arbitrary<Size> = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.nat(12));
const memory = size.map(memoryIn);

type SimulatedModel = {
  readonly memory: Memory;
  readonly stays: boolean;
  phase: Phase;
  isConfirmed: boolean;
  /** Requests at its server, and those that wait. */
  inside: number;
  waiting: number;
  waitingSinceMs: number | undefined;
  awakeSinceMs: number;
  idleSinceMs: number;
};

/** What may happen, to the model of that index. */
type Event =
  | { readonly type: "ask" | "finish" | "hang up" | "step" | "crash"; readonly model: number }
  | { readonly type: "wait"; readonly ms: number };

class World {
  nowMs = 0;
  loads = 0;
  readonly models: SimulatedModel[];
  readonly budget: Memory;

  constructor(budget: Size, sizes: readonly Size[], staying = 0) {
    this.budget = memoryIn(budget);
    this.models = sizes.map((one, index) => ({
      memory: memoryIn(one),
      stays: index < staying,
      phase: index < staying ? "awake" : "asleep",
      isConfirmed: false,
      inside: 0,
      waiting: 0,
      waitingSinceMs: undefined,
      awakeSinceMs: 0,
      idleSinceMs: 0,
    }));
  }

  at(index: number): SimulatedModel {
    const model = this.models[index % this.models.length];
    assert.ok(model !== undefined);
    return model;
  }

  happen(event: Event): void {
    if (event.type === "wait") this.nowMs += event.ms;
    else this.#happenTo(this.at(event.model), event.type);
    this.decide();
  }

  #happenTo(model: SimulatedModel, type: "ask" | "finish" | "hang up" | "step" | "crash"): void {
    if (type === "ask") {
      if (fitsIn(model.memory, mostMemory(this.residents(), this.budget)) || model.stays)
        model.waiting += 1;
    } else if (type === "finish") model.inside = Math.max(0, model.inside - 1);
    else if (type === "hang up") model.waiting = Math.max(0, model.waiting - 1);
    else if (type === "crash") {
      if (model.phase !== "awake" && model.phase !== "closing") return;
      model.waiting += model.inside;
      model.inside = 0;
      model.phase = "loading";
      model.isConfirmed = false;
    } else this.#step(model);
    this.#enter(model);
  }

  /** What it is in the middle of is done. */
  #step(model: SimulatedModel): void {
    if (model.phase === "loading") {
      model.phase = "awake";
      model.awakeSinceMs = this.nowMs;
      model.idleSinceMs = this.nowMs;
    } else if (model.phase === "stopping") {
      model.phase = "asleep";
      model.isConfirmed = false;
    } else if (model.phase === "closing") model.isConfirmed = true;
  }

  /** As the API service lets them in: only where it has an endpoint. Until it knows that one closes, it still does. */
  #enter(model: SimulatedModel): void {
    const isOpen = model.phase === "awake" || (model.phase === "closing" && !model.isConfirmed);
    if (isOpen) {
      model.inside += model.waiting;
      model.waiting = 0;
    }
    if (model.waiting === 0) model.waitingSinceMs = undefined;
    else model.waitingSinceMs ??= this.nowMs;
    if (model.inside + model.waiting > 0) model.idleSinceMs = this.nowMs;
  }

  residents(): Resident[] {
    return this.models.map((model, number) => ({
      number,
      memory: model.memory,
      stays: model.stays,
      phase: model.phase,
      isConfirmed: model.isConfirmed,
      isBusy: model.inside > 0,
      waitingSinceMs: model.waitingSinceMs,
      awakeSinceMs: model.awakeSinceMs,
      idleSinceMs: model.idleSinceMs,
      idleMs: IDLE_MS,
    }));
  }

  decide(): number {
    const rules = { budget: this.budget, turnMs: TURN_MS };
    const { moves, againAtMs } = decideResidence(this.residents(), rules, this.nowMs);
    for (const { type, number } of moves) {
      const model = this.at(number);
      assert.ok(!model.stays, "what stays is left alone");
      if (type === "load") {
        assert.equal(model.phase, "asleep");
        model.phase = "loading";
        this.loads += 1;
      } else if (type === "close") {
        assert.equal(model.phase, "awake");
        model.phase = "closing";
        model.isConfirmed = false;
      } else if (type === "reopen") {
        assert.equal(model.phase, "closing");
        model.phase = "awake";
        this.#enter(model);
      } else {
        assert.equal(model.inside, 0, "nothing is stopped under a request");
        assert.ok(model.phase === "loading" || (model.phase === "closing" && model.isConfirmed));
        model.phase = "stopping";
      }
    }
    const used = memoryOf(
      this.residents().filter(({ phase, stays }) => phase !== "asleep" && !stays),
    );
    assert.ok(used === NO_MEMORY || fitsIn(used, mostMemory(this.residents(), this.budget)));
    return againAtMs;
  }

  get hasRequests(): boolean {
    return this.models.some(({ inside, waiting }) => inside + waiting > 0);
  }

  /** Everything that can go on goes on: servers answer, loads and stops come to their end, time passes. */
  settle(rounds: number): void {
    for (let round = 0; round < rounds && this.hasRequests; round += 1) {
      for (const [index, { inside }] of this.models.entries()) {
        this.happen({ type: "step", model: index });
        if (inside > 0) this.happen({ type: "finish", model: index });
      }
      this.happen({ type: "wait", ms: 1 });
    }
  }
}

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constantFrom("ask", "finish", "hang up", "step", "crash"),
      model: fc.nat(5),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("wait"), ms: fc.integer({ min: 1, max: 150 }) }),
  },
);

const history = fc.record({
  sizes: fc.array(size, { minLength: 1, maxLength: 6 }),
  events: fc.array(event, { maxLength: 120 }),
});

/** In memory, at a moment that is 0: in use or not, its turn over or not. */
const resident: fc.Arbitrary<Omit<Resident, "number">> = fc.record({
  memory,
  stays: fc.boolean(),
  phase: fc.constant("awake"),
  isConfirmed: fc.constant(false),
  isBusy: fc.boolean(),
  waitingSinceMs: fc.constant(undefined),
  awakeSinceMs: fc.integer({ min: -2 * TURN_MS, max: 0 }),
  idleSinceMs: fc.integer({ min: -IDLE_MS, max: 0 }),
  idleMs: fc.constant(Infinity),
});

const WAITING: Omit<Resident, "number" | "memory"> = {
  stays: false,
  phase: "asleep",
  isConfirmed: false,
  isBusy: false,
  waitingSinceMs: -1,
  awakeSinceMs: -1,
  idleSinceMs: -1,
  idleMs: Infinity,
};

describe("models that share memory", () => {
  test("from any history they stay within the budget, and none is stopped under a request", () => {
    fc.assert(
      fc.property(history, fc.nat(1), ({ sizes, events }, staying) => {
        const beside = staying > 0 ? memoryIn(sizes[0] ?? 0) : NO_MEMORY;
        const world = new World([12 + beside.ramBytes, 12 + beside.deviceBytes], sizes, staying);
        for (const one of events) world.happen(one);
      }),
      { numRuns: Number(process.env["FC_RUNS"] ?? 500) },
    );
  });

  test("from any history every request is answered, whoever has the memory now", () => {
    fc.assert(
      fc.property(history, ({ sizes, events }) => {
        const world = new World([12, 12], sizes);
        for (const one of events) world.happen(one);
        world.settle(2000);
        assert.equal(world.hasRequests, false, JSON.stringify(world.models));
      }),
      { numRuns: Number(process.env["FC_RUNS"] ?? 500) },
    );
  });

  test("two models that are asked for all the time take turns", () => {
    const world = new World(10, [8, 8]);
    const answered = [0, 0];
    for (let round = 0; round < 600; round += 1) {
      for (const index of [0, 1]) {
        if (world.at(index).waiting === 0) world.happen({ type: "ask", model: index });
        const before = world.at(index).inside;
        world.happen({ type: "step", model: index });
        if (before > 0) {
          world.happen({ type: "finish", model: index });
          answered[index] = (answered[index] ?? 0) + 1;
        }
      }
      world.happen({ type: "wait", ms: 1 });
    }
    assert.ok(Math.min(...answered) > 150, `answered: ${answered.join(", ")}`);
    // Not a load for each request: a turn lasts.
    assert.ok(world.loads <= (2 * 600) / TURN_MS, `${world.loads} loads`);
  });

  for (const [rule, bytes, used] of [
    [
      "the least recently used of those that nobody uses makes room, and no more than are needed",
      [4, 4, 4],
      [1, 0],
    ],
    [
      "one that is large enough alone makes room alone, although a smaller one was used before it",
      [1, 8, 8],
      [0, 1],
    ],
  ] as const) {
    test(rule, () => {
      const world = new World(10, bytes);
      for (const model of used) {
        world.happen({ type: "ask", model });
        world.happen({ type: "step", model });
        world.happen({ type: "wait", ms: 1 });
        world.happen({ type: "finish", model });
      }
      world.happen({ type: "ask", model: 2 });
      assert.deepEqual(
        world.models.map(({ phase }) => phase),
        ["awake", "closing", "asleep"],
      );
    });
  }

  test("whoever makes room is needed for it, all of them suffice, and none does it in vain", () => {
    fc.assert(
      fc.property(
        fc.array(resident, { maxLength: 8 }),
        fc.tuple(fc.integer({ min: 1, max: 40 }), fc.nat(40)).map(memoryIn),
        (others, needed) => {
          const all = others.map((one, number) => ({ ...one, number }));
          const used = memoryOf(all);
          const budget = {
            ramBytes: Math.max(used.ramBytes, needed.ramBytes),
            deviceBytes: Math.max(used.deviceBytes, needed.deviceBytes),
          };
          const waiting = { ...WAITING, number: all.length, memory: needed };
          const { moves } = decideResidence([...all, waiting], { budget, turnMs: TURN_MS }, 0);
          const closed = moves.filter(({ type }) => type === "close").map((one) => one.number);
          const freeWithout = (without: readonly number[]): Memory =>
            minus(budget, memoryOf(all.filter(({ number }) => !without.includes(number))));
          if (closed.length === 0) return;
          assert.ok(fitsIn(needed, freeWithout(closed)));
          for (const spared of closed)
            assert.ok(!fitsIn(needed, freeWithout(closed.filter((one) => one !== spared))));
        },
      ),
      { numRuns: Number(process.env["FC_RUNS"] ?? 500) },
    );
  });

  test("who waits is served in the order in which the waiting began, also before what would fit now", () => {
    const world = new World(10, [6, 8, 4]);
    world.happen({ type: "ask", model: 0 });
    world.happen({ type: "step", model: 0 });
    world.happen({ type: "ask", model: 1 });
    world.happen({ type: "wait", ms: 1 });
    // It would fit beside the first, and so keep the second, which is larger, waiting for ever.
    world.happen({ type: "ask", model: 2 });
    const phases = () => world.models.map(({ phase }) => phase);
    assert.deepEqual(phases(), ["awake", "asleep", "asleep"]);
    world.happen({ type: "wait", ms: TURN_MS });
    world.happen({ type: "finish", model: 0 });
    world.happen({ type: "step", model: 0 });
    world.happen({ type: "step", model: 0 });
    assert.deepEqual(phases(), ["asleep", "loading", "asleep"]);
  });

  test("one that fits beside all that wait and all that they wait for is not kept waiting by them", () => {
    const world = new World(24, [16, 20, 1, 5]);
    const phases = () => world.models.map(({ phase }) => phase);
    world.happen({ type: "ask", model: 0 });
    world.happen({ type: "step", model: 0 });
    for (const model of [1, 2, 3]) {
      world.happen({ type: "wait", ms: 1 });
      world.happen({ type: "ask", model });
    }
    // The last would fit now, and not beside the other two.
    assert.deepEqual(phases(), ["awake", "asleep", "loading", "asleep"]);
    world.happen({ type: "step", model: 2 });
    world.happen({ type: "wait", ms: TURN_MS });
    world.happen({ type: "finish", model: 0 });
    world.happen({ type: "step", model: 0 });
    world.happen({ type: "step", model: 0 });
    assert.deepEqual(phases(), ["asleep", "loading", "awake", "asleep"]);
    assert.equal(world.at(2).inside, 1);
  });

  test("who goes first takes nothing that the one before it has to wait for", () => {
    const waiting = fc.record({
      memory: fc.tuple(fc.integer({ min: 1, max: 24 }), fc.nat(24)).map(memoryIn),
      waitingSinceMs: fc.integer({ min: -10, max: 0 }),
    });
    fc.assert(
      fc.property(
        fc.array(resident, { maxLength: 6 }),
        fc.array(waiting, { minLength: 2, maxLength: 5 }),
        memory,
        (awake, asked, free) => {
          const others = awake.map((one, number) => ({ ...one, number }));
          const rules = { budget: plus(memoryOf(others), free), turnMs: TURN_MS };
          const line = asked
            .toSorted((a, b) => a.waitingSinceMs - b.waitingSinceMs)
            .map((one, index) => ({ ...WAITING, ...one, number: awake.length + index }))
            .filter((one) => fitsIn(one.memory, mostMemory(others, rules.budget)));
          const { moves } = decideResidence([...others, ...line], rules, 0);
          const loaded = new Set(
            moves.filter(({ type }) => type === "load").map(({ number }) => number),
          );
          const at = line.findIndex(({ number }) => !loaded.has(number));
          const claim = line[at];
          if (claim === undefined) return;
          const inUse = (one: Resident, awakeSinceMs: number): Resident[] =>
            loaded.has(one.number)
              ? [{ ...one, phase: "awake", isBusy: true, waitingSinceMs: undefined, awakeSinceMs }]
              : [];
          const before = line.slice(0, at).flatMap((one) => inUse(one, 1));
          const after = line.slice(at).flatMap((one) => inUse(one, 2));
          const makeRoom = (residents: readonly Resident[]): readonly number[] =>
            decideResidence([...residents, claim], rules, 10 * TURN_MS)
              .moves.filter(({ type }) => type === "close")
              .map(({ number }) => number);
          assert.deepEqual(
            makeRoom([...others, ...before, ...after]),
            makeRoom([...others, ...before]),
          );
        },
      ),
      { numRuns: Number(process.env["FC_RUNS"] ?? 500) },
    );
  });

  test("one that fits into the machine's memory and not on its GPUs has the idle one there make room, and no other", () => {
    const world = new World(
      [30, 10],
      [
        [2, 0],
        [2, 8],
        [2, 8],
      ],
    );
    for (const model of [0, 1]) {
      world.happen({ type: "ask", model });
      world.happen({ type: "step", model });
      world.happen({ type: "finish", model });
    }
    world.happen({ type: "ask", model: 2 });
    const phases = () => world.models.map(({ phase }) => phase);
    assert.deepEqual(phases(), ["awake", "closing", "asleep"]);
    world.happen({ type: "step", model: 1 });
    world.happen({ type: "step", model: 1 });
    assert.deepEqual(phases(), ["awake", "asleep", "loading"]);
  });

  test("a model that nobody uses goes to sleep when its time is over, and says when to look again", () => {
    const world = new World(10, [4]);
    world.happen({ type: "ask", model: 0 });
    world.happen({ type: "step", model: 0 });
    world.happen({ type: "finish", model: 0 });
    assert.equal(world.decide(), IDLE_MS);
    world.happen({ type: "wait", ms: IDLE_MS - 1 });
    assert.equal(world.at(0).phase, "awake");
    world.happen({ type: "wait", ms: 1 });
    assert.equal(world.at(0).phase, "closing");
  });

  test("a request that comes while its model closes opens it again", () => {
    const world = new World(10, [4]);
    world.happen({ type: "ask", model: 0 });
    world.happen({ type: "step", model: 0 });
    world.happen({ type: "finish", model: 0 });
    world.happen({ type: "wait", ms: IDLE_MS });
    world.happen({ type: "ask", model: 0 });
    assert.equal(world.at(0).phase, "awake");
    assert.equal(world.loads, 1);
  });

  test("a load that nobody waits for any more is stopped", () => {
    const world = new World(10, [4]);
    world.happen({ type: "ask", model: 0 });
    assert.equal(world.at(0).phase, "loading");
    world.happen({ type: "hang up", model: 0 });
    assert.equal(world.at(0).phase, "stopping");
  });
});
