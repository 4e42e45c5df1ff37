import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment, Pod } from "@localmodel/kube/objects/core-resources.ts";
import { modelWith, observedWith, podWith, readyPod } from "../fixtures/models.ts";
import { GOES_FIRST } from "../objects/deletion-cost.ts";
import { leavingPods, scaleIn } from "./scale-in.ts";

const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name);

function marked(pod: Pod): Pod {
  const annotations = { ...pod.metadata.annotations, ...GOES_FIRST.metadata.annotations };
  return { ...pod, metadata: { ...pod.metadata, annotations } };
}

function scalingIn(pods: readonly Pod[], desired: number, replicas: number) {
  const scale = { desired, reason: "Demand", sinceMs: 0, lastUsedMs: 0 } as const;
  const deployment = { metadata: { name: "d" }, spec: { replicas } } as unknown as Deployment;
  const inFlightByPod = new Map([
    ["p1", 3],
    ["p2", 1],
    ["p3", 0],
  ]);
  const { marks, unmarks } = scaleIn(
    modelWith({ scaling: { maxReplicas: 9 } }, { scale }),
    observedWith({ pods, deployment }),
    {
      revision: "r1",
      inFlightByPod,
      rememberedByPod: new Map([
        ["p5", 40],
        ["p6", 7],
      ]),
    },
  );
  return { marks: names(marks), unmarks: names(unmarks) };
}

function leaving(pods: readonly Pod[], surplus: number, before: readonly string[] = []) {
  const scale = { desired: 3, reason: "Busy", sinceMs: 0, lastUsedMs: 0, surplus } as const;
  const scaling = { desired: 3, reason: "Busy", message: "", since: "", leaving: [...before] };
  const inFlightByPod = new Map([
    ["p1", 3],
    ["p2", 1],
    ["p3", 2],
  ]);
  return leavingPods(
    modelWith({ scaling: { maxReplicas: 9 } }, { scale }),
    observedWith({ pods, status: { scaling } }),
    { revision: "r1", inFlightByPod },
  );
}

const [p1, p2, p3] = ["p1", "p2", "p3"].map((name) => readyPod({ name })) as [Pod, Pod, Pod];

test("pods with the least to finish go first", () => {
  assert.deepEqual(scalingIn([p1, p2, p3], 1, 3), { marks: ["p3", "p2"], unmarks: [] });
  assert.deepEqual(scalingIn([p1, p2, p3], 3, 3), { marks: [], unmarks: [] });
});

test("of pods with as much to finish, those that remember least go first", () => {
  const [p5, p6] = ["p5", "p6"].map((name) => readyPod({ name })) as [Pod, Pod];
  assert.deepEqual(scalingIn([p5, p6, p2], 2, 3).marks, ["p6"]);
  assert.deepEqual(scalingIn([p5, p6, p3, p2], 2, 4).marks, ["p3", "p6"]);
});

test("pods that do not serve go before all others", () => {
  const starting = podWith({ phase: "Pending" }, { name: "p4" });
  assert.deepEqual(scalingIn([p1, p2, p3, starting], 3, 4).marks, ["p4"]);
});

test("a pod that was to go and is busy by now is spared for one that is not", () => {
  assert.deepEqual(scalingIn([marked(p1), p2, p3], 2, 3), { marks: ["p3"], unmarks: ["p1"] });
});

test("a mark is taken off again when as many are needed, not while its pod is about to go", () => {
  assert.deepEqual(scalingIn([marked(p1), p2], 2, 2), { marks: [], unmarks: ["p1"] });
  assert.deepEqual(scalingIn([marked(p3), p2, p1], 2, 2), { marks: [], unmarks: [] });
});

test("of pods that are busy, as many are to become idle as are not needed, and it goes on with the same", () => {
  assert.deepEqual(leaving([p1, p2, p3], 1), ["p2"]);
  assert.deepEqual(leaving([p1, p2, p3], 2), ["p2", "p3"]);
  assert.deepEqual(leaving([p1, p2, p3], 1, ["p1"]), ["p1"]);
  assert.deepEqual(leaving([p1, p2], 1), []);
  assert.deepEqual(leaving([p1, p2, readyPod({ name: "p3", revision: "r0" })], 1), []);
});

test("a roll chooses its own", () => {
  const old = readyPod({ name: "p3", revision: "r0" });
  assert.deepEqual(scalingIn([p1, p2, old], 2, 3), { marks: [], unmarks: [] });
});
