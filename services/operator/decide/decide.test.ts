import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DEPLOYMENTS,
  PERSISTENT_VOLUME_CLAIMS,
  PODS,
} from "@localmodel/kube/objects/core-resources.ts";
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import { inspectionMessage } from "@localmodel/localmodel/contracts/inspection.ts";
import type { LocalModelSpecInput } from "@localmodel/localmodel/resource/localmodel.ts";
import { decide } from "./decide.ts";
import {
  NO_DOWNLOADS,
  containerStatus,
  inspection,
  modelWith,
  observedWith,
  platform,
  podWith,
} from "../fixtures/models.ts";
import { podWrite } from "../act/inspect-pod-life.ts";
import { inspectPod, sourceHash } from "../objects/inspect-pod.ts";
import { metadataOf } from "../objects/metadata.ts";

const NOW_MS = Date.parse("2026-01-01T00:10:00Z");
const MOMENT = { nowMs: NOW_MS, fleet: { members: [], maxRolling: 1 }, downloads: NO_DOWNLOADS };
const kinds = (decision: ReturnType<typeof decide>) => ({
  kind: decision.kind,
  applies: decision.applies.map(({ resource }) => resource.kind).at(-1),
  deletes: decision.deletes.map(({ resource }) => resource.kind),
});
const model = modelWith();
const known = { inspection: { ...inspection, sourceHash: sourceHash(model) } };
const deployment = { metadata: metadataOf(model), spec: { replicas: 2 } } as never;
const owned = [{ resource: DEPLOYMENTS, object: { metadata: metadataOf(model) } }];

function inspectPodThat(state: object): Pod {
  const { metadata } = inspectPod(model, platform);
  return {
    metadata,
    status: { containerStatuses: [containerStatus("inspect", state)] },
  };
}

test("nothing known of the weights: inspect, and leave the Deployment but for its size", () => {
  const observed = observedWith({ deployment, objects: owned });
  const decision = decide(model, platform, observed, MOMENT);
  assert.deepEqual(kinds(decision), { kind: "inspect", applies: "Pod", deletes: [] });
  assert.equal(decision.scalesTo, 1);
});

test("what is held has as few pods as are asked for, and no more than it had", () => {
  const refusal = { stage: "spec", reason: "ClassForbidden", message: "", waits: false } as const;
  const scaled = (replicas: number) =>
    decide(modelWith({ replicas }), platform, observedWith({ deployment }), { ...MOMENT, refusal })
      .scalesTo;
  assert.equal(scaled(0), 0);
  assert.equal(scaled(1), 1);
  assert.equal(scaled(2), undefined);
  assert.equal(scaled(5), undefined);
});

test("an inspection of other sources counts for nothing", () => {
  const status = { inspection: { ...inspection, sourceHash: "other" } };
  assert.equal(decide(model, platform, observedWith({ status }), MOMENT).kind, "inspect");
});

test("a finished inspect pod is as good as a status, and is taken away", () => {
  const pod = inspectPodThat({
    terminated: { exitCode: 0, message: inspectionMessage(inspection) },
  });
  const objects = [{ resource: PODS, object: pod }];
  const decision = decide(model, platform, observedWith({ inspectPod: pod, objects }), MOMENT);
  assert.deepEqual(kinds(decision), { kind: "serve", applies: "Deployment", deletes: ["Pod"] });
  assert.deepEqual(decision.inspection, known.inspection);
});

/** All that an author can say of what pods take. */
const SAID = { limits: { memory: "1Gi", "ephemeral-storage": "1Gi" } };

test("an inspect pod whose words make no sense has not found out anything", () => {
  const pod = inspectPodThat({ terminated: { exitCode: 0, message: "hello" } });
  assert.equal(decide(model, platform, observedWith({ inspectPod: pod }), MOMENT).kind, "inspect");
});

test("what would run an author's code, or read a Secret, is not served unless the platform allows it", () => {
  const secretKeyRef = { name: "others", key: "token" };
  for (const [env, field] of [
    [{ name: "NODE_OPTIONS", value: "--require /x.cjs" }, "spec.env[0].name: NODE_OPTIONS"],
    [
      { name: "GGML_X", valueFrom: { secretKeyRef } },
      "spec.env[0].valueFrom.secretKeyRef: the Sec",
    ],
  ] as const) {
    const one = modelWith({ env: [env], resources: SAID });
    const { kind, blocker, applies, deletes } = decide(one, platform, observedWith(), MOMENT);
    assert.deepEqual([kind, applies, deletes], ["hold", [], []]);
    assert.equal(blocker?.reason, "VariableRefused");
    assert.ok(blocker.message.startsWith(field), blocker.message);
    assert.match(blocker.message, /modelServer\.environmentPolicy\.(variables|secrets)/);
    const environmentPolicy = { variables: ["NODE_*"], secrets: ["others"], configMaps: [] };
    const generous = { ...platform, environmentPolicy };
    assert.equal(decide(one, generous, observedWith(), MOMENT).kind, "serve");
  }
});

test("who says how much memory and disk, who is suspended and who has no id needs no inspection", () => {
  for (const one of [
    modelWith({ resources: SAID }),
    modelWith({ resources: SAID, gpu: { memory: "24Gi" } }),
    modelWith({ resources: SAID, gpu: {}, engine: { gpuLayers: 0 } }),
    modelWith({ resources: { limits: { memory: "1Gi" } }, cache: { claimName: "shared" } }),
    modelWith({ replicas: 0 }),
    modelWith({}, { claim: { held: [], lost: [] } }),
  ]) {
    assert.equal(decide(one, platform, observedWith(), MOMENT).kind, "serve");
  }
});

const kindOf = (spec: Partial<LocalModelSpecInput>, by = platform) =>
  decide(modelWith(spec), by, observedWith(), MOMENT).kind;

test("to say the memory is not to say what devices and downloads take", () => {
  const memory = { requests: { memory: "8Gi" } };
  assert.equal(kindOf({ resources: memory }), "inspect", "a download goes with the pod");
  assert.equal(
    kindOf({ resources: memory }, { ...platform, ephemeralStorageRequests: false }),
    "serve",
  );
  const cache = { claimName: "shared", fill: "WithPods" as const };
  assert.equal(kindOf({ resources: memory, cache, gpu: { count: 1 } }), "inspect");
  assert.equal(kindOf({ resources: memory, cache, gpu: { requirement: "Preferred" } }), "serve");
});

test("what cannot be served is left as it is", () => {
  const local = modelWith({ source: { file: { path: "/x.gguf" } } });
  const decision = decide(local, platform, observedWith({ objects: owned }), MOMENT);
  assert.deepEqual(kinds(decision), { kind: "hold", applies: undefined, deletes: [] });
});

const claimWith = (metadata: object) => ({
  resource: PERSISTENT_VOLUME_CLAIMS,
  object: { metadata: { ...metadataOf(model), ...metadata } },
});

const deletionsOf = (metadata: object) =>
  decide(model, platform, observedWith({ status: known, objects: [claimWith(metadata)] }), MOMENT)
    .deletes.length;

test("what is no longer wanted is deleted, if it is this model's and not going already", () => {
  const other = metadataOf(modelWith({}, { uid: "u-0" }));
  assert.equal(deletionsOf({}), 1);
  assert.equal(deletionsOf({ deletionTimestamp: "2026-01-01T00:00:00Z" }), 0);
  assert.equal(deletionsOf({ ownerReferences: other.ownerReferences }), 0);
  assert.equal(deletionsOf({ ownerReferences: [] }), 0);
});

const since = (seconds: number) => new Date(NOW_MS - seconds * 1000).toISOString();

test("an inspect pod is made anew when it is of no use, but not at once", () => {
  const wanted = inspectPod(model, platform).metadata as { annotations?: Record<string, string> };
  const revision = wanted.annotations?.["localmodel.dev/revision"] ?? "";
  const pod = (status: object, metadata: object = {}): Pod => {
    const made = podWith(status, { revision });
    return { ...made, metadata: { ...made.metadata, ...metadata } };
  };
  const born = (seconds: number) => ({ creationTimestamp: since(seconds) });
  assert.equal(podWrite(wanted, pod({ phase: "Running" }), NOW_MS), "keep");
  assert.equal(podWrite(wanted, podWith({}, { revision: "other" }), NOW_MS), "delete");
  assert.equal(podWrite(wanted, pod({ phase: "Failed" }, born(60)), NOW_MS), "delete");
  assert.deepEqual(podWrite(wanted, pod({ phase: "Failed" }, born(10)), NOW_MS), {
    againInMs: 20_000,
  });
  const going = { deletionTimestamp: since(0) };
  assert.equal(podWrite(wanted, pod({ phase: "Failed" }, going), NOW_MS), "keep");
});

test("a schedule by the clocks of a zone that nobody knows is told, and changes nothing", () => {
  const schedule = [{ from: "08:00", to: "18:00", timeZone: "Europe/Atlantis" }];
  const one = modelWith({ scaling: { schedule }, resources: SAID });
  const { kind, blocker, applies } = decide(one, platform, observedWith(), MOMENT);
  assert.deepEqual([kind, blocker?.reason, applies], ["hold", "UnknownTimeZone", []]);
  assert.match(blocker?.message ?? "", /no time zone "Europe\/Atlantis"/);
});
