import assert from "node:assert/strict";
import { test } from "node:test";
import { DEPLOYMENTS, type Deployment, type Pod } from "@localmodel/kube/objects/core-resources.ts";
import {
  NO_DOWNLOADS,
  inspection,
  modelWith,
  observedWith,
  platform,
  podWith,
  readyPod,
} from "../fixtures/models.ts";
import { type FleetMember, memberOf } from "../model/fleet.ts";
import type { Model } from "../model/model.ts";
import { sourceHash } from "../objects/inspect-pod.ts";
import { decide } from "./decide.ts";
import { isUpgrade, turnOf } from "./upgrade.ts";

const NOW_MS = Date.parse("2026-01-01T00:10:00Z");
const OLD = { ...platform, images: { cpu: "server:1" } };
const NEW = { ...platform, images: { cpu: "server:2" } };
const noFleet = { members: [], maxRolling: 2 };

const known = (model: Model) => ({ inspection: { ...inspection, sourceHash: sourceHash(model) } });

/** As the API server has it after the pods have become ready. */
function deployed(model: Model, by = OLD): Deployment {
  const observed = observedWith({ status: known(model) });
  const { applies } = decide(model, by, observed, {
    nowMs: NOW_MS,
    fleet: noFleet,
    downloads: NO_DOWNLOADS,
  });
  const made = applies.find(({ resource }) => resource === DEPLOYMENTS)?.configuration;
  const { spec } = made as Deployment;
  const count = spec?.replicas ?? 0;
  const status = { updatedReplicas: count, replicas: count, availableReplicas: count };
  return { ...(made as Deployment), status };
}

const revisionOf = ({ spec }: Deployment) =>
  spec?.template.metadata?.annotations?.["localmodel.dev/revision"] ?? "";

type Case = {
  readonly model?: Model;
  readonly members?: readonly FleetMember[];
  readonly pods?: readonly Pod[];
};

function upgrade({ model = modelWith(), members, pods }: Case, pullPod?: Pod) {
  const deployment = deployed(modelWith());
  const own = memberOf("default/llama", deployment);
  const observed = observedWith({
    status: known(model),
    deployment,
    pullPod,
    pods: pods ?? [readyPod({ name: "old", revision: revisionOf(deployment) })],
  });
  return decide(model, NEW, observed, {
    nowMs: NOW_MS,
    fleet: { members: [own, ...(members ?? [])], maxRolling: 2 },
    downloads: NO_DOWNLOADS,
  });
}

const kindsOf = (decision: ReturnType<typeof decide>) =>
  decision.applies.map(({ resource }) => resource.kind);

const member = (key: string, more: Partial<FleetMember>): FleetMember => ({
  key,
  platform: "new",
  isUpgrade: true,
  isComplete: false,
  serves: true,
  updatedServes: false,
  isPaused: false,
  isStuck: false,
  ...more,
});
const old = (key: string) => member(key, { platform: "old", isUpgrade: false, isComplete: true });

const fleet = (...members: readonly FleetMember[]) => ({ members, maxRolling: 2 });

test("one model tries a new version, and the others wait until it serves", () => {
  assert.deepEqual(turnOf("a", "new", fleet(old("a"), old("b"))), { kind: "go" });
  const tried = member("a", {});
  assert.deepEqual(turnOf("b", "new", fleet(tried, old("b"))), {
    kind: "wait",
    models: 1,
    isTrial: true,
  });
  const served = member("a", { isComplete: true });
  assert.deepEqual(turnOf("b", "new", fleet(served, old("b"))), { kind: "go" });
  const two = [member("c", {}), member("d", {})];
  assert.deepEqual(turnOf("b", "new", fleet(served, ...two, old("b"))), {
    kind: "wait",
    models: 2,
    isTrial: false,
  });
});

test("versions for other classes and images are tried one after the other, and all that roll count together", () => {
  const tries = member("a", { platform: "cuda" });
  const members = fleet(tries, old("b"), old("c"));
  assert.deepEqual(turnOf("b", "cpu", members), { kind: "wait", models: 1, isTrial: true });
  const served = member("s", { platform: "cpu", isComplete: true, isUpgrade: false });
  assert.deepEqual(turnOf("b", "cpu", fleet(tries, served, old("b"))), { kind: "go" });
  const more = member("d", { platform: "cpu" });
  assert.deepEqual(turnOf("b", "cpu", fleet(tries, more, served, old("b"))), {
    kind: "wait",
    models: 2,
    isTrial: false,
  });
});

test("a version that mends one that was no good is not kept waiting by whoever tried that", () => {
  const broken = member("a", { platform: "bad", aim: { platform: "new" } });
  const whole = { ...old("b"), aim: { platform: "new" } };
  assert.deepEqual(turnOf("b", "new", fleet(broken, whole)), { kind: "go" });
  assert.equal(turnOf("a", "new", fleet(broken, whole)).kind, "wait");
  assert.deepEqual(turnOf("a", "new", fleet(broken)), { kind: "go" });
});

test("a model that serves nobody does not wait, and nobody waits for it", () => {
  const down = member("b", { platform: "old", isUpgrade: false, serves: false });
  assert.deepEqual(turnOf("b", "new", fleet(member("a", {}), down)), { kind: "none" });
  const broken = member("b", { isUpgrade: false, serves: false });
  assert.deepEqual(turnOf("a", "new", { members: [old("a"), broken], maxRolling: 1 }), {
    kind: "go",
  });
});

test("a model that lacks pods already does not try a new version while another can", () => {
  const lacking = { ...old("a"), isComplete: false };
  const waits = { kind: "wait", models: 1, isTrial: true };
  const aimed = { ...old("b"), aim: { platform: "new" } };
  for (const whole of [old("b"), aimed]) {
    assert.deepEqual(turnOf("a", "new", fleet(lacking, whole)), waits);
    assert.deepEqual(turnOf("b", "new", fleet(lacking, whole)), { kind: "go" });
  }
  const cannot: readonly FleetMember[] = [
    { ...old("b"), aim: "nothing" },
    { ...old("b"), aim: { platform: "another" } },
    { ...old("b"), isComplete: false },
    { ...old("b"), serves: false },
    { ...old("b"), platform: "elder" },
  ];
  for (const other of cannot) {
    assert.deepEqual(
      turnOf("a", "new", fleet(lacking, other)),
      { kind: "go" },
      JSON.stringify(other),
    );
  }
});

test("nobody waits for a model that is paused, or whose pods find no node", () => {
  for (const more of [{ isPaused: true }, { isStuck: true }]) {
    const tried = member("a", more);
    assert.deepEqual(turnOf("b", "new", fleet(tried, old("b"), old("c"))), { kind: "go" });
    const tries = member("c", {});
    assert.equal(turnOf("b", "new", fleet(tried, old("b"), tries)).kind, "wait", "one at a time");
  }
});

test("a model that lost its place to one that rolls counts until none rolls whose end gives it another", () => {
  const served = member("s", { isComplete: true });
  const lost = member("a", { isStuck: true, serves: false });
  const waits = { kind: "wait", models: 2, isTrial: false };
  assert.deepEqual(turnOf("b", "new", fleet(served, lost, member("c", {}), old("b"))), waits);
  assert.deepEqual(turnOf("b", "new", fleet(served, lost, old("b"))), { kind: "go" });
});

test("a version serves once pods of it do, although others of the same model find no node", () => {
  const served = member("a", { isStuck: true, updatedServes: true });
  const one = member("c", {});
  assert.deepEqual(turnOf("b", "new", fleet(served, one, old("b"))), { kind: "go" });
  const notYet = member("a", { updatedServes: true });
  assert.equal(turnOf("b", "new", fleet(notYet, old("b"))).kind, "wait");
});

test("a model says what its pods are to follow, and nothing while it is paused", () => {
  const { begins, aim } = upgrade({});
  assert.deepEqual(aim, { platform: begins });
  assert.equal(upgrade({ model: modelWith({ rollout: { paused: true } }) }).aim, "nothing");
});

test("a model whose turn it is rolls, and says for what", () => {
  const decision = upgrade({});
  assert.ok(kindsOf(decision).includes("Deployment"));
  assert.equal(typeof decision.begins, "string");
  const made = decision.applies.find(({ resource }) => resource === DEPLOYMENTS)?.configuration;
  assert.equal(made?.metadata.annotations?.["localmodel.dev/rolled-for"], "upgrade");
});

test("a model that waits keeps its pods, and their number follows what is asked for", () => {
  const { begins } = upgrade({});
  const members = [member("default/other", { platform: begins })];
  const waiting = upgrade({ members });
  assert.ok(!kindsOf(waiting).includes("Deployment"));
  assert.equal(waiting.revision, revisionOf(deployed(modelWith())));
  assert.equal(waiting.scalesTo, undefined);
  assert.deepEqual(waiting.turn, { kind: "wait", models: 1, isTrial: true });
});

test("whoever scales a model that waits does not have it jump the queue", () => {
  const { begins } = upgrade({});
  const members = [member("default/other", { platform: begins })];
  for (const spec of [{ replicas: 3 }, { scaling: { maxReplicas: 5 } }]) {
    const scaled = upgrade({ members, model: modelWith(spec, { generation: 4 }) });
    assert.ok(!kindsOf(scaled).includes("Deployment"), JSON.stringify(spec));
    assert.equal(scaled.turn?.kind, "wait");
  }
  assert.equal(
    upgrade({ members, model: modelWith({ replicas: 3 }, { generation: 4 }) }).scalesTo,
    3,
  );
});

test("a model that is scaled while it tries a new version still counts as trying it", () => {
  const rolling = upgrade({}).applies.find(({ resource }) => resource === DEPLOYMENTS);
  assert.ok(rolling);
  const deployment = rolling.configuration as Deployment;
  const model = modelWith({ replicas: 2 }, { generation: 4 });
  const observed = observedWith({ status: known(model), deployment });
  const moment = { nowMs: NOW_MS, fleet: noFleet, downloads: NO_DOWNLOADS };
  const { applies } = decide(model, NEW, observed, moment);
  const made = applies.find(({ resource }) => resource === DEPLOYMENTS)?.configuration;
  assert.equal(made?.metadata.annotations?.["localmodel.dev/rolled-for"], "upgrade");
});

test("Deployments of an operator that told no spec are judged by their generation", () => {
  const deployment = deployed(modelWith());
  const { "localmodel.dev/spec": _spec, ...annotations } = deployment.metadata.annotations ?? {};
  const older = { ...deployment, metadata: { ...deployment.metadata, annotations } };
  const wanted = { revision: "other", platform: "new" };
  assert.equal(isUpgrade(modelWith(), older, wanted), true);
  assert.equal(isUpgrade(modelWith({}, { generation: 4 }), older, wanted), false);
});

test("what the author of a model changes does not wait for an upgrade of others", () => {
  const { begins } = upgrade({});
  const members = [member("default/other", { platform: begins })];
  const model = modelWith({ engine: { slots: 2 } }, { generation: 4 });
  const decision = upgrade({ members, model });
  assert.ok(kindsOf(decision).includes("Deployment"));
  assert.equal(decision.begins, undefined);
});

test("a paused model stays with the version that it has", () => {
  const decision = upgrade({ model: modelWith({ rollout: { paused: true } }) });
  assert.ok(!kindsOf(decision).includes("Deployment"));
  assert.equal(decision.begins, undefined);
});

test("an old pod that has to go first waits until the image is on its node", () => {
  const model = modelWith({ rollout: { strategy: "Replace" } });
  const first = upgrade({ model });
  assert.deepEqual(kindsOf(first).slice(-1), ["Pod"]);
  assert.ok(!kindsOf(first).includes("Deployment"));
  const pod = first.applies.at(-1)?.configuration as Pod;
  assert.match(JSON.stringify(pod), /"values":\["node-1"\]/);
  assert.match(JSON.stringify(pod), /"image":"server:2"/);
  assert.ok(!JSON.stringify(pod).includes("nvidia.com"));
  const pulling = upgrade({ model }, { ...pod, status: { phase: "Pending" } });
  assert.ok(!kindsOf(pulling).includes("Deployment"));
  const pulled = upgrade({ model }, { ...pod, status: { phase: "Succeeded" } });
  assert.ok(kindsOf(pulled).includes("Deployment"));
});

test("an image that a pod of the model has run with on that node is not pulled again", () => {
  const model = modelWith({ rollout: { strategy: "Replace" } });
  const initContainerStatuses = [
    { name: "fetch", image: "server:2", imageID: "x", ready: true, restartCount: 0 },
  ];
  const ready = readyPod({ name: "old", revision: "r0" });
  const pod: Pod = {
    ...podWith({ ...ready.status, initContainerStatuses }, { name: "old", revision: "r0" }),
    spec: { nodeName: "node-1", containers: [{ name: "server", image: "server:2" }] },
  };
  assert.ok(kindsOf(upgrade({ model, pods: [pod] })).includes("Deployment"));
});

const fromImage = (reference: string) => ({
  source: { image: { reference, path: "m.gguf" } },
  rollout: { strategy: "Replace" as const },
});

test("weights that are an image are pulled as well, wherever the server's image has been before", () => {
  const initContainerStatuses = [
    { name: "fetch", image: "server:2", imageID: "x", ready: true, restartCount: 0 },
  ];
  const ready = readyPod({ name: "old", revision: "r0" });
  const pod: Pod = {
    ...podWith({ ...ready.status, initContainerStatuses }, { name: "old", revision: "r0" }),
    spec: {
      nodeName: "node-1",
      containers: [{ name: "server", image: "server:2" }],
      volumes: [{ name: "image-0", image: { reference: "weights:1" } }],
    },
  };
  const others = upgrade({ model: modelWith(fromImage("weights:2")), pods: [pod] });
  assert.ok(!kindsOf(others).includes("Deployment"));
  assert.match(JSON.stringify(others.applies.at(-1)?.configuration), /"reference":"weights:2"/);
  const same = upgrade({ model: modelWith(fromImage("weights:1")), pods: [pod] });
  assert.ok(kindsOf(same).includes("Deployment"));
});

test("a model that names its image keeps it, and only what the platform allows", () => {
  const observed = observedWith({ status: known(modelWith()) });
  const decideWith = (image: string, by = platform) =>
    decide(modelWith({ runtime: { image } }), by, observed, {
      nowMs: NOW_MS,
      fleet: noFleet,
      downloads: NO_DOWNLOADS,
    });
  const pinned = decideWith("server:0.9");
  assert.match(JSON.stringify(pinned.applies), /"image":"server:0.9"/);
  const refused = decideWith("registry.example:5000/mine:1");
  assert.deepEqual([refused.kind, refused.blocker?.reason], ["hold", "ImageRefused"]);
  const runtimeImages = ["registry.example:5000/*"];
  assert.equal(
    decideWith("registry.example:5000/mine:1", { ...platform, runtimeImages }).kind,
    "serve",
  );
});
