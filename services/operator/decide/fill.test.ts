import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  DEPLOYMENTS,
  PERSISTENT_VOLUME_CLAIMS,
  type Pod,
  PODS,
} from "@localmodel/kube/objects/core-resources.ts";
import {
  CacheCleaning,
  CLEANING_VARIABLE,
} from "@localmodel/localmodel/contracts/cache-cleaning.ts";
import type { LocalModelSpecInput } from "@localmodel/localmodel/resource/localmodel.ts";
import {
  containerStatus,
  http,
  inspection,
  modelWith,
  NO_DOWNLOADS,
  observedWith,
  platform,
} from "../fixtures/models.ts";
import type { CacheUse } from "../model/cache-use.ts";
import type { Downloads } from "../model/downloads.ts";
import type { Model } from "../model/model.ts";
import type { Observed } from "../model/observed.ts";
import { cacheClaim } from "../objects/cache-claim.ts";
import { deployment } from "../objects/deployment.ts";
import { fetchPod, fillHash } from "../objects/fetch-pod.ts";
import { sourceHash } from "../objects/inspect-pod.ts";
import { podTemplate } from "../objects/pod-template.ts";
import { revisionOf } from "../status/situation.ts";
import { fillProblems } from "../act/fill-report.ts";
import { decide } from "./decide.ts";

const NOW_MS = Date.parse("2026-01-01T00:10:00Z");
const gpu = { count: 1 };
type Mode = "ReadWriteOnce" | "ReadWriteMany" | "ReadWriteOncePod";
const template = (accessMode: Mode = "ReadWriteMany") => ({
  claimTemplate: { size: "10Gi", accessMode },
});
const cached = (spec: Partial<LocalModelSpecInput> = {}, more: Partial<Model> = {}) =>
  modelWith({ gpu, cache: template(), ...spec }, more);

type Given = {
  readonly cacheUse?: CacheUse;
  readonly observed?: Partial<Observed>;
  readonly downloads?: Downloads;
};

function decideFor(model: Model, given: Given = {}) {
  const { observed = {}, downloads = NO_DOWNLOADS, cacheUse } = given;
  const status = {
    inspection: { ...inspection, sourceHash: sourceHash(model) },
    ...observed.status,
  };
  const moment = {
    nowMs: NOW_MS,
    fleet: { members: [], maxRolling: 1 },
    downloads,
    ...(cacheUse && { cacheUse }),
  };
  return decide(model, platform, observedWith({ ...observed, status }), moment);
}

const madePods = ({ applies }: ReturnType<typeof decide>) =>
  applies
    .filter(({ resource }) => resource === PODS)
    .map(({ configuration }) => configuration as unknown as Pod);
const makesDeployment = ({ applies }: ReturnType<typeof decide>) =>
  applies.some(({ resource }) => resource === DEPLOYMENTS);

function claimOf(model: Model, phase: string) {
  const made = cacheClaim(model);
  assert.ok(made);
  return {
    resource: PERSISTENT_VOLUME_CLAIMS,
    object: { ...made, status: { phase } } as never,
  };
}

function fetchPodOf(model: Model, state: object, status: object = {}): Pod {
  const sourceHashOf = fillHash(model) ?? "";
  const made = fetchPod(model, platform, { sourceHash: sourceHashOf, host: "models.example" });
  return {
    ...(made as unknown as Pod),
    status: { containerStatuses: [containerStatus("fetch", state)], ...status },
  };
}

function servingPod(model: Model, more: object = {}): Pod {
  const { metadata, spec } = podTemplate(model, platform, inspection);
  return {
    metadata: { namespace: "default", name: "llama-1", ...metadata },
    spec: { ...spec, nodeName: "node-7" },
    status: {
      initContainerStatuses: [containerStatus("fetch", { terminated: { exitCode: 0 } })],
      ...more,
    },
  } as unknown as Pod;
}

/** What the pod that fills is told of the cache, and its revision. */
function told(decision: ReturnType<typeof decide>) {
  const [pod] = madePods(decision);
  const env = pod?.spec?.containers[0]?.env ?? [];
  const said = env.find(({ name }) => name === CLEANING_VARIABLE)?.value;
  return { revision: pod && revisionOf(pod), said: said && CacheCleaning.parse(JSON.parse(said)) };
}

suite("a cache is filled before pods ask for devices", () => {
  test("by a pod that asks for none, in the surroundings of the others", () => {
    const decision = decideFor(cached({ serviceAccountName: "reader" }));
    assert.equal(decision.kind, "fill");
    assert.ok(!makesDeployment(decision));
    const [pod] = madePods(decision);
    assert.ok(pod?.spec);
    const [container] = pod.spec.containers;
    assert.deepEqual(Object.keys(container?.resources?.requests ?? {}).toSorted(), [
      "cpu",
      "memory",
    ]);
    assert.equal(container?.image, "server:cpu");
    assert.equal(pod.spec.serviceAccountName, "reader");
    assert.ok(pod.spec.volumes?.some((one) => one.persistentVolumeClaim !== undefined));
    assert.ok(pod.spec.tolerations?.some(({ key }) => key === "nvidia.com/gpu"));
  });

  test("and told what has to stay, where the rest may go and somebody knows", () => {
    const unused = { maxAgeDays: 30, maxSize: "1Gi" };
    const cacheUse = { keepBlobs: ["a".repeat(64)], keepSources: [{ http }] };
    const cleans = cached({ cache: { ...template(), unused } });
    const { said, revision } = told(decideFor(cleans, { cacheUse }));
    const rules = { maxAgeDays: 30, maxBytes: 2 ** 30 };
    assert.deepEqual(said, { decidedAtMs: NOW_MS, ...cacheUse, ...rules });
    // Who comes to use the claim is no reason to begin the download anew.
    assert.deepEqual(told(decideFor(cleans)), { revision, said: undefined });
    assert.equal(told(decideFor(cached(), { cacheUse })).said, undefined);
  });

  test("and once it has said so, it is remembered, taken away, and the model is served", () => {
    const model = cached();
    const pod = fetchPodOf(model, { terminated: { exitCode: 0 } });
    const owned = [{ resource: PODS, object: pod }];
    const decision = decideFor(model, { observed: { fetchPod: pod, objects: owned } });
    assert.equal(decision.kind, "serve");
    assert.ok(makesDeployment(decision));
    assert.deepEqual(decision.fill, { kind: "filled", sourceHash: fillHash(model) });
    assert.deepEqual(decision.deletes, owned);
    const status = { cache: { sourceHash: fillHash(model) ?? "", filledAt: "" } };
    assert.equal(decideFor(model, { observed: { status } }).kind, "serve");
  });

  test("but other files, or another claim, have to be there anew", () => {
    const before = cached();
    const status = { cache: { sourceHash: fillHash(before) ?? "", filledAt: "" } };
    const others = [
      cached({ source: { http: { url: "https://models.example/other.gguf" } } }),
      cached({ cache: { claimName: "shared" } }),
      cached({ adapters: [{ http }] }),
    ];
    for (const model of others) {
      assert.equal(decideFor(model, { observed: { status } }).kind, "fill");
    }
  });

  const withoutNeed: Readonly<Record<string, Model>> = {
    "there is no cache": modelWith({ gpu }),
    "no device is asked for": modelWith({ cache: template() }),
    "its author says so": cached({ cache: { ...template(), fill: "WithPods" } }),
    "the weights are on a claim": cached({
      source: { persistentVolumeClaim: { claimName: "weights", path: "a.gguf" } },
    }),
    "the weights are an image": cached({
      source: { image: { reference: "registry.example/a", path: "a.gguf" } },
    }),
  };
  for (const [why, model] of Object.entries(withoutNeed)) {
    test(`not where ${why}`, () => {
      const decision = decideFor(model);
      assert.deepEqual(madePods(decision), []);
      assert.ok(makesDeployment(decision));
    });
  }

  test("pods that have fetched the same onto the same claim have filled it", () => {
    const model = cached();
    const pods = [servingPod(model)];
    assert.equal(decideFor(model, { observed: { pods } }).fill?.kind, "filled");
    const other = cached({ source: { http: { url: "https://models.example/other.gguf" } } });
    assert.equal(decideFor(other, { observed: { pods } }).kind, "fill");
  });

  test("pods that are there already go on fetching for themselves", () => {
    const model = cached();
    const made = podTemplate(model, platform, inspection);
    const parts = { template: made, makesRoom: 0, platform: "p", isUpgrade: false };
    const there = deployment(model, parts) as never;
    const decision = decideFor(model, { observed: { deployment: there } });
    assert.equal(decision.kind, "serve");
    assert.deepEqual(madePods(decision), []);
  });

  test("a pod of the version before goes on, as often as it is asked for, and none of the new one is made", () => {
    const before = cached();
    const made = podTemplate(before, platform, inspection);
    const parts = { template: made, makesRoom: 0, platform: "p", isUpgrade: false };
    const annotations = { "localmodel.dev/generation": "2", "localmodel.dev/platform": "p" };
    const there = { ...deployment(before, parts), metadata: { annotations } } as never;
    const after = cached({
      source: { http: { url: "https://models.example/other.gguf" } },
      replicas: 3,
    });
    const decision = decideFor(after, { observed: { deployment: there } });
    assert.equal(decision.kind, "fill");
    assert.equal(decision.scalesTo, 3);
    const none = { ...(there as object), spec: { replicas: 0, template: made } } as never;
    assert.equal(decideFor(after, { observed: { deployment: none } }).scalesTo, undefined);
  });

  test("where no node has room for the pod for minutes, pods fetch for themselves, and it is not made anew", () => {
    const model = cached();
    const since = (lastTransitionTime: string) =>
      fetchPodOf(
        model,
        {},
        {
          conditions: [
            { type: "PodScheduled", status: "False", reason: "Unschedulable", lastTransitionTime },
          ],
        },
      );
    const soon = decideFor(model, { observed: { fetchPod: since("2026-01-01T00:09:30Z") } });
    assert.equal(soon.kind, "fill");
    const late = decideFor(model, { observed: { fetchPod: since("2026-01-01T00:05:00Z") } });
    assert.equal(late.kind, "serve");
    assert.equal(madePods(late).length, 1);
  });
});

suite("a model without pods", () => {
  const scaling = { minReplicas: 0, maxReplicas: 1 };
  const scale = { desired: 0, reason: "Asleep", sinceMs: 0, lastUsedMs: 0 } as const;

  test("has its cache filled while it sleeps, whether or not it asks for devices", () => {
    for (const spec of [{ gpu }, {}]) {
      const decision = decideFor(modelWith({ ...spec, cache: template(), scaling }, { scale }));
      assert.equal(decision.kind, "serve");
      assert.equal(madePods(decision).length, 1);
    }
  });

  test("that is suspended has it filled ahead, unless the pods that serve are to do it", () => {
    for (const fill of ["Automatic", "Ahead"] as const) {
      const ahead = decideFor(cached({ replicas: 0, cache: { ...template(), fill } }));
      assert.equal(ahead.kind, "serve");
      assert.equal(madePods(ahead).length, 1);
    }
    const never = decideFor(cached({ replicas: 0, cache: { ...template(), fill: "WithPods" } }));
    assert.deepEqual(madePods(never), []);
  });

  test("has no pods made by a wake before the weights are there", () => {
    const model = modelWith(
      { gpu, cache: template(), scaling },
      { scale: { ...scale, desired: 1 } },
    );
    const made = podTemplate(model, platform, inspection);
    const parts = { template: made, makesRoom: 0, platform: "p", isUpgrade: false };
    const there = { ...deployment(model, parts), spec: { replicas: 0, template: made } } as never;
    const decision = decideFor(model, { observed: { deployment: there } });
    assert.equal(decision.kind, "fill");
    assert.equal(decision.scalesTo, undefined);
  });
});

const affinityOf = (pod: Pod | undefined) => JSON.stringify(pod?.spec?.affinity);

suite("a claim that the author brings", () => {
  const model = cached({ cache: { claimName: "brought" } });

  test("is filled on any node, and where a pod has it on that one: others may not be able to mount it", () => {
    const [anywhere] = madePods(decideFor(model));
    assert.ok(anywhere);
    assert.doesNotMatch(affinityOf(anywhere) ?? "", /metadata.name/);
    const old = servingPod(model, { initContainerStatuses: [] });
    const [beside] = madePods(decideFor(model, { observed: { pods: [old] } }));
    assert.match(affinityOf(beside), /"key":"metadata.name","operator":"In","values":\["node-7"\]/);
    const many = cached();
    const other = servingPod(many, { initContainerStatuses: [] });
    const [free] = madePods(decideFor(many, { observed: { pods: [other] } }));
    assert.ok(free);
    assert.doesNotMatch(affinityOf(free) ?? "", /metadata.name/);
  });
});

suite("a claim that one node can mount", () => {
  const model = cached({ cache: template("ReadWriteOnce") });

  test("is waited for until it has a volume", () => {
    const fresh = decideFor(model);
    assert.deepEqual([fresh.kind, fresh.fill?.kind], ["fill", "claim"]);
    assert.deepEqual(madePods(fresh), []);
    const objects = [claimOf(model, "Pending")];
    assert.equal(decideFor(model, { observed: { objects } }).fill?.kind, "claim");
    const bound = decideFor(model, { observed: { objects: [claimOf(model, "Bound")] } });
    assert.equal(madePods(bound).length, 1);
  });

  const claimSays = { isWarning: false, reason: "WaitForFirstConsumer", message: "waiting" };
  const asking = { observed: { objects: [claimOf(model, "Pending")], claimSays } };

  test("is filled where devices are if its volume is made where its first pod runs, and asks for none", () => {
    const decision = decideFor(model, asking);
    assert.deepEqual([decision.kind, decision.fill?.kind], ["fill", "filling"]);
    const [pod] = madePods(decision);
    assert.match(affinityOf(pod), /"cloud.google.com\/gke-accelerator","operator":"Exists"/);
    assert.doesNotMatch(JSON.stringify(pod?.spec?.containers), /nvidia.com/);
    const selected = cached({
      cache: template("ReadWriteOnce"),
      gpu: { count: 1, products: ["L4"] },
      nodeSelector: { pool: "gpus" },
    });
    const objects = [claimOf(selected, "Pending")];
    const [near] = madePods(decideFor(selected, { observed: { objects, claimSays } }));
    assert.deepEqual(near?.spec?.nodeSelector, { pool: "gpus" });
    assert.match(affinityOf(near), /"nvidia.com\/gpu.product","operator":"In","values":\["L4"\]/);
    assert.doesNotMatch(affinityOf(near), /gke-accelerator/);
  });

  test("keeps the pod that fills it while its volume is made, and when it is there", () => {
    const [made] = madePods(decideFor(model, asking));
    assert.ok(made);
    for (const [phase, reason] of [
      ["Pending", "WaitForPodScheduled"],
      ["Pending", "ExternalProvisioning"],
      ["Bound", undefined],
    ] as const) {
      const objects = [claimOf(model, phase), { resource: PODS, object: made }];
      const says = reason && { claimSays: { isWarning: false, reason, message: "" } };
      const decision = decideFor(model, { observed: { fetchPod: made, objects, ...says } });
      assert.deepEqual([decision.fill?.kind, decision.deletes], ["filling", []], reason);
      assert.deepEqual(madePods(decision)[0]?.metadata.annotations, made.metadata.annotations);
    }
  });

  test("is left to pods with devices where nobody knows which nodes have some, or none takes the pod", () => {
    for (const other of [{ resourceName: "amd.com/gpu" }, { resourceClaimTemplateName: "big" }]) {
      const unknown = cached({ cache: template("ReadWriteOnce"), gpu: other });
      const objects = [claimOf(unknown, "Pending")];
      const decision = decideFor(unknown, { observed: { objects, claimSays } });
      assert.deepEqual([decision.kind, decision.fill?.kind], ["serve", "left"]);
      assert.deepEqual(madePods(decision), []);
    }
    const [made] = madePods(decideFor(model, asking));
    assert.ok(made);
    const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable" };
    const conditions = [{ ...condition, lastTransitionTime: "2026-01-01T00:05:00Z" }];
    const pod: Pod = { ...made, status: { conditions } };
    const lost = { observed: { ...asking.observed, fetchPod: pod } };
    assert.deepEqual(decideFor(model, lost).fill?.kind, "left");
    const waiting = { places: new Map(), scaleUpAtMs: NOW_MS - 60_000 };
    const brought = { observed: { ...lost.observed, waiting } };
    assert.equal(decideFor(model, brought).fill?.kind, "filling", "a node is on its way");
  });

  test("brings no node with devices while the model sleeps, and is filled anywhere without devices", () => {
    const scale = { desired: 0, reason: "Asleep", sinceMs: 0, lastUsedMs: 0 } as const;
    const scaling = { minReplicas: 0, maxReplicas: 1 };
    const asleep = modelWith({ gpu, cache: template("ReadWriteOnce"), scaling }, { scale });
    const objects = [claimOf(asleep, "Pending")];
    assert.equal(decideFor(asleep, { observed: { objects, claimSays } }).fill?.kind, "left");
    const without = modelWith({ cache: template("ReadWriteOnce"), scaling }, { scale });
    const own = [claimOf(without, "Pending")];
    const [pod] = madePods(decideFor(without, { observed: { objects: own, claimSays } }));
    assert.equal(pod?.spec?.affinity, undefined);
  });

  test("whose volume cannot be made says why, also while its pod waits for it", () => {
    const [made] = madePods(decideFor(model, asking));
    assert.ok(made);
    const says = { isWarning: true, reason: "ProvisioningFailed", message: "no space left" };
    const objects = [claimOf(model, "Pending")];
    const decision = decideFor(model, { observed: { objects, claimSays: says, fetchPod: made } });
    assert.equal(decision.fill?.kind, "filling");
    const [problem] = fillProblems(decision);
    assert.equal(problem?.reason, "VolumeMissing");
    assert.match(problem.message, /no space left/);
  });

  test("is filled on the node of the pods that have it mounted", () => {
    const other = cached({
      cache: template("ReadWriteOnce"),
      source: { http: { url: "https://models.example/other.gguf" } },
    });
    const objects = [claimOf(other, "Bound")];
    const pods = [servingPod(model)];
    const [pod] = madePods(decideFor(other, { observed: { pods, objects } }));
    assert.match(JSON.stringify(pod?.spec?.affinity), /"metadata.name".*"node-7"/);
    const oncePod = cached({
      cache: template("ReadWriteOncePod"),
      source: { http: { url: "https://models.example/other.gguf" } },
    });
    assert.equal(decideFor(oncePod, { observed: { pods, objects } }).fill?.kind, "left");
  });
});

suite("downloads from one host", () => {
  const busy: Downloads = {
    maxPerHost: 2,
    othersFrom: (host) => (host === "models.example" ? 2 : 0),
  };

  test("wait for each other, and not for those from elsewhere", () => {
    const decision = decideFor(cached(), { downloads: busy });
    assert.deepEqual(decision.fill, { kind: "queued", host: "models.example" });
    assert.deepEqual(madePods(decision), []);
    const elsewhere = cached({ source: { huggingFace: { repo: "a/b", file: "c.gguf" } } });
    assert.equal(decideFor(elsewhere, { downloads: busy }).fill?.kind, "filling");
  });

  test("that have begun go on, whoever else begins", () => {
    const model = cached();
    const pod = fetchPodOf(model, { running: {} });
    const decision = decideFor(model, { observed: { fetchPod: pod }, downloads: busy });
    assert.equal(decision.fill?.kind, "filling");
    assert.equal(madePods(decision).length, 1);
  });
});
