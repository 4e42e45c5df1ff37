/** What is remembered of the models between two looks at them, with runs that only say how they are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Demand } from "@localmodel/localmodel/contracts/directory.ts";
import type { ModelRun } from "./processes/model-run.ts";
import { Residency } from "./residency.ts";

const TURN_MS = 10;
/** Nothing of it goes on a GPU. */
const NEEDS = {
  totalBytes: 8,
  layersBytes: 8,
  besideBytes: 0,
  computeBytes: 0,
  layers: 1,
  askedLayers: 0,
};
const ASKED = { isBusy: true, isWaiting: true };
const WAITS = { isBusy: false, isWaiting: true };

class Scene {
  nowMs = 0;
  #directory = 0;
  readonly residency = new Residency(
    { budget: () => ({ ramBytes: 10, deviceBytes: 0 }), turnMs: TURN_MS },
    () => this.nowMs,
  );

  run(number: number, phase: ModelRun["phase"]) {
    const model = { key: `m${number}`, idleSeconds: 60 };
    const run = { number, model, phase, needs: NEEDS };
    this.residency.add(run as unknown as ModelRun);
    return run;
  }

  demand(demand: Demand): void {
    this.nowMs += 1;
    this.residency.demand(demand, this.#directory);
  }

  moves() {
    return this.residency.decide().moves.map(({ type, number }) => `${type} ${number}`);
  }

  close(run: object): void {
    this.residency.close(run as ModelRun);
    this.residency.published((this.#directory += 1));
  }
}

test("a model with more requests than it can answer at once gives others their turn, and waits for its next", () => {
  const scene = new Scene();
  const [busy, other] = [scene.run(1, "awake"), scene.run(2, "asleep")];
  scene.moves();
  scene.demand({ m1: ASKED });
  scene.demand({ m1: ASKED, m2: WAITS });
  scene.nowMs += TURN_MS;
  assert.deepEqual(scene.moves(), ["close 1"]);
  scene.close(busy);
  scene.demand({ m1: WAITS, m2: WAITS });
  assert.deepEqual(scene.moves(), ["stop 1"]);
  busy.phase = "stopping";
  scene.moves();
  busy.phase = "asleep";
  assert.deepEqual(scene.moves(), ["load 2"]);
  other.phase = "awake";
  scene.moves();
  scene.demand({ m1: WAITS, m2: ASKED });
  scene.nowMs += TURN_MS;
  assert.deepEqual(scene.moves(), ["close 2"]);
});
