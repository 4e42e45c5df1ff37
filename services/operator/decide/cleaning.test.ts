/** When a cache that is filled is cleaned, by whom, and what is remembered of it. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type Pod, PODS } from "@localmodel/kube/objects/core-resources.ts";
import { CLEANING_VARIABLE } from "@localmodel/localmodel/contracts/cache-cleaning.ts";
import {
  FETCH_CONFIG_VARIABLE,
  FetchConfig,
} from "@localmodel/localmodel/contracts/fetch-config.ts";
import type { LocalModelSpecInput } from "@localmodel/localmodel/resource/localmodel.ts";
import {
  containerStatus,
  inspection,
  modelWith,
  NO_DOWNLOADS,
  observedWith,
  platform,
} from "../fixtures/models.ts";
import type { Model } from "../model/model.ts";
import type { Observed } from "../model/observed.ts";
import { fillHash } from "../objects/fetch-pod.ts";
import { sourceHash } from "../objects/inspect-pod.ts";
import { podTemplate } from "../objects/pod-template.ts";
import { reportedStatus } from "../act/report.ts";
import { decide } from "./decide.ts";

const FILLED = "2026-01-01T00:00:00Z";
const HOUR_MS = 3_600_000;
const after = (hours: number) => Date.parse(FILLED) + hours * HOUR_MS;
const timeAfter = (hours: number) => new Date(after(hours)).toISOString().replace(".000", "");
const cacheUse = { keepBlobs: ["a".repeat(64)], keepSources: [] };
const rwx = "ReadWriteMany" as const;

function cachedWith(spec: Partial<LocalModelSpecInput> = {}, accessMode: Mode = rwx): Model {
  const claimTemplate = { size: "10Gi", accessMode };
  return modelWith({ cache: { claimTemplate, unused: { maxAgeDays: 30 } }, ...spec });
}
type Mode = "ReadWriteMany" | "ReadWriteOnce" | "ReadWriteOncePod";

function pass(model: Model, hours: number, seen: Partial<Observed> = {}, use = true) {
  const status = {
    inspection: { ...inspection, sourceHash: sourceHash(model) },
    cache: { sourceHash: fillHash(model) ?? "", filledAt: FILLED },
    ...seen.status,
  };
  const observed = observedWith({ ...seen, status });
  const decision = decide(model, platform, observed, {
    nowMs: after(hours),
    fleet: { members: [], maxRolling: 1 },
    downloads: NO_DOWNLOADS,
    ...(use && { cacheUse }),
  });
  const made = decision.applies.find(({ resource }) => resource === PODS)?.configuration;
  const result = { decision, answers: new Map(), refusals: [], now: timeAfter(hours) };
  const { cache } = reportedStatus(model, observed, result);
  return { decision, pod: podOf(made), cache };
}

const podOf = (made: unknown) => made as Pod | undefined;

const cleaningPodOf = (model: Model, status: object, born = timeAfter(25)): Pod => {
  const { pod } = pass(model, 25);
  assert.ok(pod);
  return { ...pod, metadata: { ...pod.metadata, creationTimestamp: born }, status };
};
const done = { containerStatuses: [containerStatus("fetch", { terminated: { exitCode: 0 } })] };

/** One that serves, on a node, with the claim. */
function user(model: Model): Pod {
  const { metadata, spec } = podTemplate(model, platform, inspection);
  const named = { namespace: "default", name: "llama-1", ...metadata };
  return { metadata: named, spec: { ...spec, nodeName: "node-7" }, status: {} } as never;
}

suite("a cache that is filled", () => {
  test("is cleaned once a day, by a pod that fetches nothing and that nobody waits for", () => {
    const model = cachedWith();
    const early = pass(model, 23);
    assert.equal(early.pod, undefined);
    assert.ok(early.decision.fill?.kind === "filled");
    assert.equal(early.decision.fill.againInMs, HOUR_MS, "it is looked at again when it is due");
    const { pod, decision, cache } = pass(model, 25);
    assert.equal(decision.kind, "serve");
    const env = new Map(pod?.spec?.containers[0]?.env?.map(({ name, value }) => [name, value]));
    assert.deepEqual(FetchConfig.parse(JSON.parse(env.get(FETCH_CONFIG_VARIABLE) ?? "")).files, []);
    assert.match(env.get(CLEANING_VARIABLE) ?? "", /"maxAgeDays":30/);
    assert.equal(cache?.cleanedAt, undefined);
  });

  test("is remembered to have been, and then its pod goes", () => {
    const model = cachedWith();
    const fetchPod = cleaningPodOf(model, done);
    const objects = [{ resource: PODS, object: fetchPod }];
    const { decision, cache } = pass(model, 26, { fetchPod, objects });
    assert.equal(cache?.cleanedAt, timeAfter(26));
    assert.deepEqual(decision.deletes, objects);
    assert.equal(pass(model, 27, { status: { cache } }).pod, undefined);
    assert.ok(pass(model, 51, { status: { cache } }).pod);
  });

  test("whose pod still works keeps it, and whose pod finds no node is left for a day", () => {
    const model = cachedWith();
    const fetchPod = cleaningPodOf(model, {});
    const objects = [{ resource: PODS, object: fetchPod }];
    assert.deepEqual(pass(model, 25, { fetchPod, objects }).decision.deletes, []);
    const condition = {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      lastTransitionTime: timeAfter(25),
    };
    const lost = cleaningPodOf(model, { conditions: [condition] });
    const { cache } = pass(model, 26, { fetchPod: lost });
    assert.equal(cache?.cleanedAt, timeAfter(26));
  });

  test("is left where nobody asked for it, or nobody knows what has to stay", () => {
    const { claimTemplate } = cachedWith().spec.cache ?? {};
    assert.ok(claimTemplate);
    assert.equal(pass(modelWith({ cache: { claimTemplate } }), 25).pod, undefined);
    assert.equal(pass(cachedWith(), 25, {}, false).pod, undefined);
  });

  test("on a volume that one node mounts is cleaned there, and nowhere while none has it and pods may come", () => {
    const model = cachedWith({}, "ReadWriteOnce");
    const { pod } = pass(model, 25, { pods: [user(model)] });
    assert.match(JSON.stringify(pod?.spec?.affinity), /"metadata.name".*"node-7"/);
    assert.equal(pass(model, 25).pod, undefined);
    const once = cachedWith({}, "ReadWriteOncePod");
    assert.equal(pass(once, 25, { pods: [user(once)] }).pod, undefined);
  });

  test("is cleaned also while its model is suspended", () => {
    const model = cachedWith({ replicas: 0 });
    const { pod, cache } = pass(model, 25);
    assert.ok(pod);
    assert.equal(cache?.filledAt, FILLED);
  });
});
