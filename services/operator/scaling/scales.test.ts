/** Between a change of demand and the pass that follows it, demand may change again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Bounds } from "./bounds.ts";
import { DemandView } from "./demand-view.ts";
import { Scales } from "./scales.ts";

const KEY = "a/m";
const START_MS = 1_800_000_000_000;
const bounds: Bounds = {
  minReplicas: 1,
  maxReplicas: 4,
  requestsPerReplica: 4,
  idleMs: 600_000,
  scaleDownMs: 30_000,
};

class Scene {
  nowMs = START_MS;
  passes = 0;
  replicas = 2;
  pods = ["p1", "p2"];
  readonly #view = new DemandView();
  readonly #scales = new Scales(this.#view, () => this.nowMs, {
    now: () => (this.passes += 1),
    later: () => {},
  });

  constructor() {
    this.#view.setPods([{ id: "api", url: "http://192.0.2.1", isServing: true }]);
  }

  /** Requests at each of the model's pods. */
  hear(...inFlight: readonly number[]): void {
    const servers = inFlight.map((count, index) => ({ pod: `p${index + 1}`, inFlight: count }));
    const all = inFlight.reduce((sum, count) => sum + count, 0);
    const times = { lastAskedAtMs: this.nowMs, lastCameAtMs: this.nowMs };
    const model = { namespace: "a", name: "m", inFlight: all, queued: 0, ...times, servers };
    const picture = { version: 1 as const, pod: "api", startedAtMs: START_MS, models: [model] };
    this.#scales.changed(this.#view.hear("api", picture, this.nowMs));
  }

  pass() {
    const { pods, replicas } = this;
    return this.#scales.step(KEY, { bounds, status: {}, replicas, pods }).scale;
  }
}

test("whether a pod goes is decided in the pass that lets it go, by what is at it then", () => {
  const scene = new Scene();
  scene.hear(1, 1);
  scene.pass();
  scene.nowMs += bounds.scaleDownMs;
  assert.deepEqual([scene.pass().desired, scene.pass().reason], [2, "Busy"]);
  const before = scene.passes;
  scene.hear(1, 0);
  assert.equal(scene.passes, before + 1);
  scene.hear(1, 1);
  assert.equal(scene.pass().desired, 2);
  scene.hear(1, 0);
  assert.equal(scene.pass().desired, 1);
});

test("what was decided and could not be written is decided anew", () => {
  const scene = new Scene();
  scene.hear(1, 0);
  scene.pass();
  scene.nowMs += bounds.scaleDownMs;
  assert.equal(scene.pass().desired, 1);
  scene.hear(1, 1);
  assert.equal(scene.pass().desired, 2);
  scene.hear(1, 0);
  scene.nowMs += bounds.scaleDownMs;
  assert.equal(scene.pass().desired, 1);
  Object.assign(scene, { replicas: 1, pods: ["p1"] });
  assert.equal(scene.pass().desired, 1);
});

test("a pod that was never made keeps nobody from doing without it", () => {
  const scene = new Scene();
  scene.replicas = 3;
  scene.hear(1, 1);
  assert.equal(scene.pass().desired, 3);
  scene.nowMs += bounds.scaleDownMs;
  assert.equal(scene.pass().desired, 2);
});
