import assert from "node:assert/strict";
import { test } from "node:test";
import { DEPLOYMENTS, type Deployment, type Pod } from "@localmodel/kube/objects/core-resources.ts";
import { MODEL_LABEL } from "@localmodel/localmodel/cluster/labels.ts";
import { readyPod, unscheduledPod } from "../fixtures/models.ts";
import { PLATFORM_ANNOTATION, ROLLED_FOR_ANNOTATION, UPGRADE } from "../model/fleet.ts";
import { REVISION_ANNOTATION } from "../objects/metadata.ts";
import type { Caches } from "./caches.ts";
import { FleetView } from "./fleet.ts";

const KEY = "default/llama";
const NOW_MS = Date.parse("2026-01-01T00:10:00Z");
const NO_NODE = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu.";

/** A roll to r1 that is not complete. */
function rolling(status: object = {}): Deployment {
  return {
    metadata: {
      namespace: "default",
      name: "llama",
      generation: 2,
      labels: { [MODEL_LABEL]: "llama" },
      annotations: { [PLATFORM_ANNOTATION]: "new", [ROLLED_FOR_ANNOTATION]: UPGRADE },
    },
    spec: {
      replicas: 3,
      template: { metadata: { annotations: { [REVISION_ANNOTATION]: "r1" } } },
    },
    status: { observedGeneration: 2, availableReplicas: 2, ...status },
  } as unknown as Deployment;
}

function viewOf(deployment: Deployment, pods: readonly Pod[]) {
  const set = {
    cacheOf: (resource: unknown) =>
      resource === DEPLOYMENTS ? { list: () => [deployment] } : undefined,
    serversOf: () => pods,
  };
  return new FleetView({ sets: [set] } as unknown as Pick<Caches, "sets">, 2);
}

function memberAt(view: FleetView) {
  const [member] = view.now(NOW_MS).members;
  assert.ok(member);
  const { isStuck, updatedServes } = member;
  return { isStuck, updatedServes };
}

const ready = readyPod({ name: "ready" });
const before = readyPod({ name: "before", revision: "r0" });
const pending = unscheduledPod(NO_NODE);
const ending = (untilMs: number): Pod => {
  const deletionTimestamp = new Date(untilMs).toISOString();
  return { ...before, metadata: { ...before.metadata, deletionTimestamp } };
};
const said = { aim: { platform: "new" }, waits: false };

test("a roll whose last pods find no node is stuck, and serves as far as it does", () => {
  const view = viewOf(rolling(), [ready, pending]);
  assert.deepEqual(memberAt(view), { isStuck: true, updatedServes: true });
});

test("a roll for whose pods an old one makes room is not stuck", () => {
  const view = viewOf(rolling(), [before, pending]);
  assert.deepEqual(memberAt(view), { isStuck: false, updatedServes: false });
  view.decided(KEY, { ...said, hasNoRoom: true });
  assert.deepEqual(memberAt(view), { isStuck: true, updatedServes: false });
});

test("a roll whose old pod still finishes its answers is not stuck, unless nobody ends it", () => {
  const draining = viewOf(rolling(), [ending(NOW_MS + 600_000), pending]);
  assert.deepEqual(memberAt(draining), { isStuck: false, updatedServes: false });
  const abandoned = viewOf(rolling(), [ending(NOW_MS - 600_000), pending]);
  assert.deepEqual(memberAt(abandoned), { isStuck: true, updatedServes: false });
});

test("a roll with a pod that starts, or fails, is not stuck", () => {
  const starting = { ...readyPod({ name: "starting" }), status: { phase: "Running" } };
  const view = viewOf(rolling(), [starting, pending]);
  view.decided(KEY, { ...said, hasNoRoom: true });
  assert.deepEqual(memberAt(view), { isStuck: false, updatedServes: false });
});

test("a roll whose pods a quota refuses is stuck", () => {
  const message = 'pods "llama-1" is forbidden: exceeded quota: gpus';
  const conditions = [{ type: "ReplicaFailure", status: "True", message }];
  assert.deepEqual(memberAt(viewOf(rolling({ conditions }), [before])), {
    isStuck: true,
    updatedServes: false,
  });
});

test("what a model is to follow is not known before it has said so", () => {
  const view = viewOf(rolling(), [ready]);
  assert.equal(view.now(NOW_MS).members[0]?.aim, undefined);
  view.decided(KEY, { ...said, hasNoRoom: false });
  assert.deepEqual(view.now(NOW_MS).members[0]?.aim, said.aim);
  view.forget(KEY);
  assert.equal(view.now(NOW_MS).members[0]?.aim, undefined);
});
