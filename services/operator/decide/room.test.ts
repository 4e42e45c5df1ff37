import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import { readyPod, unscheduledPod } from "../fixtures/models.ts";
import type { Place, Waiting } from "../model/observed.ts";
import { type Room, roomFor } from "./room.ts";

const NOW_MS = Date.parse("2026-01-01T00:10:00Z");
const GPU = "nvidia.com/gpu";
const since = (seconds: number) => new Date(NOW_MS - seconds * 1000).toISOString();
const short = (...names: readonly string[]) =>
  `0/1 nodes are available: ${names.map((name) => `1 Insufficient ${name}`).join(", ")}. ` +
  "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.";

type Requests = Readonly<Record<string, string>>;

const asking = (pod: Pod, requests: Requests, spec: object = {}): Pod => ({
  ...pod,
  spec: { ...pod.spec, containers: [{ name: "server", resources: { requests } }], ...spec },
});
const oldPod = (requests: Requests, spec: object = {}, name = "old"): Pod =>
  asking(readyPod({ name, revision: "r0" }), requests, spec);
const newPod = (message: string, requests: Requests, spec: object = {}, seconds = 61): Pod =>
  asking(unscheduledPod(message, since(seconds)), requests, spec);

function nodeWith(allocatable: Requests, pods: readonly Pod[], node: object = {}): Waiting {
  const place = {
    node: {
      metadata: { name: "node-1", labels: { zone: "a" } },
      status: { allocatable: { pods: "110", ...allocatable } },
      ...node,
    },
    pods,
  } as Place;
  return { places: new Map([["node-1", place]]) };
}

const victimsOf = (room: Room) =>
  room.kind === "now" ? room.victims.map(({ metadata }) => metadata.name) : room;

test("a larger model takes the place of a smaller one on the same GPU, as the node has memory left", () => {
  const old = oldPod({ [GPU]: "1", memory: "4Gi" });
  const pod = newPod(short(GPU), { [GPU]: "1", memory: "10Gi" });
  const node = nodeWith({ [GPU]: "1", memory: "250Gi" }, [old]);
  assert.deepEqual(victimsOf(roomFor("r1", [old, pod], node, NOW_MS)), ["old"]);
  const small = nodeWith({ [GPU]: "1", memory: "8Gi" }, [old]);
  assert.deepEqual(roomFor("r1", [old, pod], small, NOW_MS), {
    kind: "useless",
    lacks: ["it would not have enough memory"],
  });
});

test("a pod of two GPUs takes the place of one of a single GPU where the node has two", () => {
  const old = oldPod({ [GPU]: "1" });
  const pod = newPod(short(GPU), { [GPU]: "2" });
  assert.deepEqual(victimsOf(roomFor("r1", [old, pod], nodeWith({ [GPU]: "2" }, [old]), NOW_MS)), [
    "old",
  ]);
  const other = asking(readyPod({ name: "stranger", revision: "x" }), { [GPU]: "1" });
  const shared = nodeWith({ [GPU]: "2" }, [old, other]);
  assert.equal(roomFor("r1", [old, pod], shared, NOW_MS).kind, "useless");
  const two = [oldPod({ [GPU]: "1" }, {}, "old-1"), oldPod({ [GPU]: "1" }, {}, "old-2")];
  assert.deepEqual(victimsOf(roomFor("r1", [...two, pod], nodeWith({ [GPU]: "2" }, two), NOW_MS)), [
    "old-1",
    "old-2",
  ]);
});

const required = (operator: string, values: readonly string[]) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator, values }] }],
      },
    },
  },
});

test("an added toleration, or another selector that the node fits, is no reason to wait for ever", () => {
  const old = oldPod({ [GPU]: "1" });
  const node = nodeWith({ [GPU]: "1" }, [old]);
  const tolerant = { tolerations: [{ key: "spot", operator: "Exists" }] };
  const roomBeside = (spec: object) =>
    roomFor("r1", [old, newPod(short(GPU), { [GPU]: "1" }, spec)], node, NOW_MS);
  assert.deepEqual(victimsOf(roomBeside(tolerant)), ["old"]);
  assert.deepEqual(victimsOf(roomBeside({ nodeSelector: { zone: "a" } })), ["old"]);
  assert.equal(roomBeside({ nodeSelector: { zone: "b" } }).kind, "useless");
  assert.deepEqual(victimsOf(roomBeside(required("In", ["a", "c"]))), ["old"]);
  assert.equal(roomBeside(required("NotIn", ["a"])).kind, "useless");
});

test("no pod makes room on a node that would repel the new one", () => {
  const old = oldPod({ [GPU]: "1" });
  const pod = newPod(short(GPU), { [GPU]: "1" });
  const taints = [{ key: "maintenance", value: "now", effect: "NoSchedule" }];
  const tainted = nodeWith({ [GPU]: "1" }, [old], { spec: { taints } });
  assert.deepEqual(roomFor("r1", [old, pod], tainted, NOW_MS), {
    kind: "useless",
    lacks: ["its taint maintenance is not tolerated"],
  });
});

test("a volume that one pod may use at a time is given up by the old pod", () => {
  const message =
    "0/1 nodes are available: 1 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode.";
  const old = oldPod({ cpu: "1" });
  const pod = newPod(message, { cpu: "1" });
  const node = nodeWith({ cpu: "8" }, [old]);
  assert.deepEqual(victimsOf(roomFor("r1", [old, pod], node, NOW_MS)), ["old"]);
});

test("an old pod waits for a minute, and a quarter of an hour for a node that an autoscaler brings", () => {
  const old = oldPod({ [GPU]: "1" });
  const node = nodeWith({ [GPU]: "1" }, [old]);
  const early = newPod(short(GPU), { [GPU]: "1" }, {}, 20);
  assert.deepEqual(roomFor("r1", [old, early], node, NOW_MS), {
    kind: "later",
    inMs: 40_000,
    victims: [old],
  });
  const pod = newPod(short(GPU), { [GPU]: "1" }, {}, 600);
  const brought = { ...node, scaleUpAtMs: NOW_MS - 10 * 60_000 };
  assert.deepEqual(roomFor("r1", [old, pod], brought, NOW_MS), {
    kind: "later",
    inMs: 300_000,
    victims: [old],
  });
  const inVain = { ...node, scaleUpAtMs: NOW_MS - 15 * 60_000 };
  assert.deepEqual(victimsOf(roomFor("r1", [old, pod], inVain, NOW_MS)), ["old"]);
});

test("while a pod that makes room is ending, no other one goes", () => {
  const going = oldPod({ [GPU]: "1" }, {}, "going");
  const ending = { ...going, metadata: { ...going.metadata, deletionTimestamp: since(5) } };
  const staying = oldPod({ [GPU]: "1" }, {}, "staying");
  const pod = newPod(short(GPU), { [GPU]: "1" });
  const node = nodeWith({ [GPU]: "2" }, [ending, staying]);
  assert.deepEqual(roomFor("r1", [ending, staying, pod], node, NOW_MS), { kind: "going" });
});

test("where nodes may not be read, a pod that asks for what is short as the old one did takes its place", () => {
  const old = oldPod({ [GPU]: "1", memory: "4Gi" });
  const roomBeside = (pod: Pod) => roomFor("r1", [old, pod], { places: new Map() }, NOW_MS);
  const larger = { [GPU]: "1", memory: "10Gi" };
  assert.deepEqual(victimsOf(roomBeside(newPod(short(GPU), larger))), ["old"]);
  assert.equal(roomBeside(newPod(short(GPU, "memory"), larger)).kind, "useless");
  const moved = newPod(short(GPU), larger, { nodeSelector: { zone: "b" } });
  assert.equal(roomBeside(moved).kind, "useless");
});

test("a pod that is short of nothing an old pod has costs none", () => {
  const old = oldPod({ [GPU]: "1" });
  const message = "0/1 nodes are available: 1 node(s) had untolerated taint {a: b}.";
  const node = nodeWith({ [GPU]: "1" }, [old]);
  assert.deepEqual(roomFor("r1", [old, newPod(message, {})], node, NOW_MS), { kind: "none" });
});

const claims = (name: string) => ({
  resourceClaims: [{ name: "gpu", resourceClaimTemplateName: name }],
});

test("claimed devices are given to a pod that claims the same", () => {
  const message = "0/1 nodes are available: 1 cannot allocate all claims.";
  const old = oldPod({}, claims("one"));
  const node = nodeWith({}, [old]);
  const roomBeside = (name: string) =>
    roomFor("r1", [old, newPod(message, {}, claims(name))], node, NOW_MS);
  assert.deepEqual(victimsOf(roomBeside("one")), ["old"]);
  assert.equal(roomBeside("two").kind, "useless");
});
