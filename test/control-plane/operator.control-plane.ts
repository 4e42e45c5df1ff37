/**
 * The operator on a real API server with its controllers; the test plays scheduler and kubelet.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { KubeObject } from "@localmodel/kube/objects/objects.ts";
import { defineResource } from "@localmodel/kube/objects/resource.ts";
import { inspectionMessage } from "@localmodel/localmodel/contracts/inspection.ts";
import { UNSEEN_GENERATION } from "@localmodel/localmodel/resource/status-spec.ts";
import { terminationMessage } from "@localmodel/localmodel/contracts/termination.ts";
import { serverKeyFor, serverKeyHash } from "@localmodel/localmodel/contracts/server-key.ts";
import { NAMESPACES, SECRETS, SERVICES } from "@localmodel/kube/objects/core-resources.ts";
import { silentLog } from "@localmodel/kube/log.ts";
import { LOCAL_MODELS } from "../../services/operator/model/local-model-resource.ts";
import { untilServerSecrets } from "../../services/operator/server-secret.ts";
import { http, inspection } from "../../services/operator/fixtures/models.ts";
import type { Cut } from "../support/api-proxy.ts";
import {
  containerStatus,
  eventually,
  OperatorCluster,
  type RunningOperator,
  SERVER_SECRET,
} from "../support/operator-cluster.ts";

const QUOTAS = defineResource<KubeObject & { readonly status?: { readonly used?: object } }>({
  group: "",
  version: "v1",
  plural: "resourcequotas",
  kind: "ResourceQuota",
  namespaced: true,
});
const source = { http };
const resources = { requests: { memory: "1Gi", "ephemeral-storage": "1Gi" } };

suite("the operator on a real API server", () => {
  let cluster: OperatorCluster;
  let operator: RunningOperator;

  before(async () => {
    cluster = await OperatorCluster.start();
    operator = await cluster.startOperator();
  });

  after(async () => {
    await operator?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  test("a model is inspected, served and ready, and its status says what it is", async () => {
    await cluster.apply("happy", { source });
    const [pod] = await cluster.podsWhen("happy", 1, "inspect");
    assert.ok(pod);
    await cluster.until("happy", "Ready", "False Scheduling");
    assert.equal(await cluster.deployment("happy"), undefined);
    await cluster.inspected(pod, inspectionMessage(inspection));
    const [server] = await cluster.podsWhen("happy", 1);
    assert.ok(server);
    await cluster.until("happy", "SourceResolved", "True Resolved");
    await cluster.serve(server);
    const ready = await cluster.until("happy", "Ready", "True Ready");
    assert.equal(ready.message, 'Answers as "happy" from 1 pod.');
    const model = await cluster.model("happy");
    assert.equal(model?.status?.inspection?.layers, 30);
    assert.equal(model?.status?.readyReplicas, 1);
    assert.ok((model?.status?.memory?.totalBytes ?? 0) > inspection.sizeBytes);
    await cluster.podsWhen("happy", 0, "inspect");
  });

  test("servers know keys that follow from a secret, which is made once", async () => {
    const secretNow = () =>
      eventually(async () => {
        const secret = await cluster.client.get(SECRETS, SERVER_SECRET);
        if (secret === undefined) throw new Error("there is no Secret");
        return secret;
      });
    const made = await secretNow();
    await cluster.apply("keyed", { source, resources });
    await cluster.podsWhen("keyed", 1);
    const secret = Buffer.from(made.data?.["key"] ?? "", "base64").toString("utf8");
    assert.ok(secret.length > 40);
    const hash = serverKeyHash(serverKeyFor(secret, "default/keyed"));
    const deployment = JSON.stringify(await cluster.deployment("keyed"));
    assert.match(deployment, new RegExp(`keySha256[^a-z]+${hash}`));
    assert.ok(!deployment.includes(secret));
    await cluster.delete("keyed");
    await operator[Symbol.asyncDispose]();
    operator = await cluster.startOperator();
    await cluster.apply("keyed-later", { source, resources });
    await cluster.podsWhen("keyed-later", 1);
    assert.deepEqual(await secretNow(), made);
    await cluster.delete("keyed-later");
  });

  test("operators that start together have one secret", async () => {
    const { client } = cluster;
    const options = { client, log: silentLog, name: { ...SERVER_SECRET, name: "made-twice" } };
    const never = new AbortController().signal;
    const both = [untilServerSecrets(options, never), untilServerSecrets(options, never)];
    const [one, other] = await Promise.all(both);
    assert.equal(one?.length, 1);
    assert.deepEqual(one, other);
  });

  test("a failure of the fetcher is told with what to do next", async () => {
    await cluster.apply("missing", { source, resources });
    const [pod] = await cluster.podsWhen("missing", 1);
    assert.ok(pod);
    await cluster.schedule(pod);
    const message = terminationMessage({ reason: "NotFound", message: "no such file" });
    const terminated = { exitCode: 1, reason: "Error", message };
    await cluster.report(pod, {
      initContainerStatuses: [
        containerStatus("fetch", { waiting: { reason: "CrashLoopBackOff" } }, false, {
          restartCount: 1,
          lastState: { terminated },
        }),
      ],
    });
    const ready = await cluster.until("missing", "Ready", "False NotFound");
    assert.match(ready.message, /^no such file\. Check the name/);
    await cluster.until("missing", "Progressing", "False NotFound");
  });

  test("an idle pass over a settled model writes nothing", async () => {
    await cluster.apply("idle", { source, resources, cache: { claimTemplate: { size: "1Gi" } } });
    const [pod] = await cluster.podsWhen("idle", 1);
    assert.ok(pod);
    await cluster.serve(pod);
    await cluster.until("idle", "Ready", "True Ready");
    await using again = await cluster.startOperator({ resyncMs: 1000 });
    // A new process applies everything once more.
    await eventually(async () => {
      const written = new Set(again.proxy.writes.map(({ path }) => path));
      assert.ok([...written].some((path) => path.endsWith("/deployments/localmodel-idle")));
    });
    let settled = -1;
    while (settled !== again.proxy.writes.length) {
      settled = again.proxy.writes.length;
      await again.passes(10);
    }
    const there = await cluster.everything("idle");
    await again.passes(20);
    assert.equal(again.proxy.writes.length, settled);
    assert.deepEqual(await cluster.everything("idle"), there);
  });

  test("of two models with one id the younger waits, and takes over when the older goes", async () => {
    await cluster.apply("older", { source, resources, modelId: "shared" });
    await cluster.podsWhen("older", 1);
    await cluster.nextSecond();
    await cluster.apply("younger", { source, resources, modelId: "shared" });
    const ready = await cluster.until("younger", "Ready", "False DuplicateModelId");
    assert.match(ready.message, /belongs to the older LocalModel default\/older/);
    assert.deepEqual(await cluster.pods("younger"), []);
    await cluster.delete("older");
    await cluster.podsWhen("younger", 1);
    await cluster.until("younger", "Ready", "False Scheduling");
  });

  test("an id that is lost leaves the aliases, and Ready says so", async () => {
    await cluster.apply("first", { source, resources, modelId: "taken" });
    await cluster.nextSecond();
    await cluster.apply("second", { source, resources, modelId: "taken", aliases: ["other"] });
    const [pod] = await cluster.podsWhen("second", 1);
    assert.match(JSON.stringify(pod?.spec), /\\"modelId\\":\\"other\\"/);
    const ready = await cluster.until("second", "Ready", "False DuplicateModelId");
    assert.match(ready.message, /only answers as other/);
  });

  test("zero replicas suspend a model, and more bring it back", async () => {
    await cluster.apply("sleeper", { source, resources });
    await cluster.podsWhen("sleeper", 1);
    await cluster.scale("sleeper", 0);
    await cluster.until("sleeper", "Ready", "False Suspended");
    await cluster.podsWhen("sleeper", 0);
    await cluster.scale("sleeper", 2);
    const pods = await cluster.podsWhen("sleeper", 2);
    for (const pod of pods) await cluster.serve(pod);
    await cluster.until("sleeper", "Ready", "True Ready");
    const model = await cluster.model("sleeper");
    assert.equal(model?.status?.readyReplicas, 2);
    assert.equal(
      model.status.selector,
      "localmodel.dev/model=sleeper,app.kubernetes.io/component=model-server",
    );
  });

  test("a deleted model leaves nothing behind and is not made anew", async () => {
    await cluster.apply("gone", { source, resources, cache: { claimTemplate: { size: "1Gi" } } });
    await cluster.podsWhen("gone", 1);
    await cluster.delete("gone");
    await cluster.nothingLeft("gone");
  });

  test("another source is inspected while the old weights go on serving", async () => {
    await cluster.apply("moving", { source });
    const [first] = await cluster.podsWhen("moving", 1, "inspect");
    assert.ok(first);
    await cluster.inspected(first, inspectionMessage(inspection));
    const [server] = await cluster.podsWhen("moving", 1);
    assert.ok(server);
    await cluster.serve(server);
    await cluster.until("moving", "Ready", "True Ready");
    const other = { http: { url: "https://models.example/other.gguf" } };
    await cluster.apply("moving", { source: other });
    const ready = await cluster.until("moving", "Ready", "Unknown RollingOut");
    assert.match(ready.message, /Meanwhile 1 pod answers/);
    const second = await eventually(async () => {
      const [pod] = await cluster.pods("moving", "inspect");
      assert.ok(pod !== undefined && pod.metadata.uid !== first.metadata.uid);
      return pod;
    });
    assert.equal((await cluster.pods("moving"))[0]?.metadata.uid, server.metadata.uid);
    await cluster.inspected(second, inspectionMessage({ ...inspection, layers: 60 }));
    await cluster.podsWhen("moving", 2);
    await eventually(async () => {
      const model = await cluster.model("moving");
      assert.equal(model?.status?.inspection?.layers, 60);
    });
  });

  test("an inspection that is lost from the status is made again", async () => {
    await cluster.apply("forgetful", { source });
    const [first] = await cluster.podsWhen("forgetful", 1, "inspect");
    assert.ok(first);
    await cluster.inspected(first, inspectionMessage(inspection));
    const [server] = await cluster.podsWhen("forgetful", 1);
    assert.ok(server);
    await cluster.podsWhen("forgetful", 0, "inspect");
    // By then the operator has seen that the inspect pod, which still knew the answer, is gone.
    await cluster.serve(server);
    await cluster.until("forgetful", "Ready", "True Ready");
    await cluster.eraseStatus("forgetful");
    const [second] = await cluster.podsWhen("forgetful", 1, "inspect");
    assert.ok(second);
    await cluster.inspected(second, inspectionMessage(inspection));
    await cluster.podsWhen("forgetful", 0, "inspect");
    await cluster.podsWhen("forgetful", 1);
  });

  test("an object that somebody else made is left alone, and named", async () => {
    const name = { namespace: "default", name: "localmodel-squatted" };
    await cluster.client.apply(SERVICES, {
      metadata: name,
      spec: { ports: [{ port: 1234, protocol: "TCP" }] },
    });
    await cluster.apply("squatted", { source, resources });
    const ready = await cluster.until("squatted", "Ready", "False Rejected");
    assert.match(ready.message, /Service localmodel-squatted was refused: somebody else/);
    const service = await cluster.client.get(SERVICES, name);
    assert.equal(service?.spec?.ports?.[0]?.port, 1234);
  });

  test("a quota that is too small is told as one", async () => {
    const quota = { metadata: { namespace: "default", name: "memory" } };
    const hard = { "requests.memory": "1Ti" };
    await cluster.client.apply(QUOTAS, { ...quota, spec: { hard } } as never);
    await eventually(async () => {
      const counted = await cluster.client.get(QUOTAS, quota.metadata);
      assert.ok(counted?.status?.used !== undefined);
    });
    await cluster.apply("greedy", {
      source,
      resources: { requests: { memory: "2Ti", "ephemeral-storage": "1Gi" } },
    });
    const ready = await cluster.until("greedy", "Ready", "False QuotaExceeded");
    assert.match(ready.message, /exceeded quota/);
  });
});

suite("the operator, killed at every write in turn", () => {
  let cluster: OperatorCluster;

  before(async () => (cluster = await OperatorCluster.start()));
  after(async () => cluster?.[Symbol.asyncDispose]());

  for (const when of ["before", "after"] as const) {
    test(`ends where it would have been: cut ${when} the answer`, async () => {
      for (let write = 1; ; write += 1) {
        const name = `cut-${when}-${write}`;
        const wasCut = await grow(cluster, name, { write, when });
        assert.deepEqual(await cluster.kinds(name), SETTLED, `cut at write ${write}`);
        await cluster.delete(name);
        await cluster.nothingLeft(name);
        if (!wasCut) return assert.ok(write > 8, `only ${write} writes`);
      }
    });
  }
});

const SETTLED = [
  "Deployment",
  "PersistentVolumeClaim",
  "Pod",
  "PodDisruptionBudget",
  "Service",
  "ServiceAccount",
];

/** From nothing to ready, with an operator that dies at one write and its successor. */
async function grow(cluster: OperatorCluster, name: string, cut: Cut): Promise<boolean> {
  await using first = await cluster.startOperator({ cut });
  const { signal } = first.proxy.severed;
  const wasCut = new Promise((resolve) => signal.addEventListener("abort", resolve));
  await cluster.apply(name, { source, cache: { claimTemplate: { size: "1Gi" } } });
  const play = async (): Promise<void> => {
    const [inspecting] = await cluster.podsWhen(name, 1, "inspect");
    assert.ok(inspecting);
    await cluster.inspected(inspecting, inspectionMessage(inspection));
    const [server] = await cluster.podsWhen(name, 1);
    assert.ok(server);
    await cluster.serve(server);
    await cluster.until(name, "Ready", "True Ready");
    await cluster.podsWhen(name, 0, "inspect");
  };
  const playing = play();
  await Promise.race([playing, wasCut]);
  await using _second = signal.aborted ? await cluster.startOperator() : undefined;
  await playing;
  return signal.aborted;
}

suite("two installations over the same LocalModels", () => {
  let cluster: OperatorCluster;

  before(async () => (cluster = await OperatorCluster.start()));
  after(async () => cluster?.[Symbol.asyncDispose]());

  const installed = (name: string, cpu: string, errors: string[] = []) =>
    cluster.startOperator({
      resyncMs: 1000,
      config: {
        images: { cpu },
        leaderElection: {
          enabled: true,
          name,
          leaseDurationMs: 2000,
          renewDeadlineMs: 1500,
          retryPeriodMs: 200,
        },
      },
      log: {
        ...silentLog,
        error: (message, fields) => errors.push(`${message} ${JSON.stringify(fields)}`),
      },
    });

  test("the second says so and writes nothing, and takes over when the first is gone", async () => {
    const first = await installed("first", "server:1");
    await cluster.apply("claimed", { source, resources });
    const [pod] = await cluster.podsWhen("claimed", 1);
    assert.ok(pod);
    await cluster.serve(pod);
    await cluster.until("claimed", "Ready", "True Ready");
    assert.equal((await cluster.model("claimed"))?.status?.operator, "default/first");
    const errors: string[] = [];
    await using second = await installed("second", "server:2", errors);
    await eventually(async () => assert.notEqual(errors.length, 0));
    await second.passes(3);
    const told = errors.filter((line) => /another installation .*default\/first/.test(line));
    assert.equal(told.length, 1, "once");
    const writes = second.proxy.writes.filter(({ path }) => !path.includes("/leases"));
    assert.deepEqual(writes, []);
    assert.equal((await cluster.pods("claimed"))[0]?.spec?.containers[0]?.image, "server:1");
    await first[Symbol.asyncDispose]();
    await eventually(async () => {
      assert.equal((await cluster.model("claimed"))?.status?.operator, "default/second");
    });
  });
});

suite("the operator in a namespace that is being deleted", () => {
  let cluster: OperatorCluster;

  // Without controllers nobody takes its objects away, so it stays as it is.
  before(async () => (cluster = await OperatorCluster.start({ controllers: false })));
  after(async () => cluster?.[Symbol.asyncDispose]());

  test("makes nothing, and troubles neither log nor status", async () => {
    const { client } = cluster;
    const [namespace, names] = ["leaving", ["a", "b", "c"]];
    await client.create(NAMESPACES, { metadata: { name: namespace } });
    for (const name of names) {
      await client.apply(LOCAL_MODELS, {
        metadata: { namespace, name },
        spec: { source, resources },
      });
    }
    await client.delete(NAMESPACES, { name: namespace });
    const said: string[] = [];
    const say = (message: string, fields?: object) =>
      said.push(`${message} ${JSON.stringify(fields)}`);
    const log = { ...silentLog, warn: say, error: say };
    await using operator = await cluster.startOperator({ log, resyncMs: 1000 });
    await operator.passes(6);
    assert.ok(operator.proxy.writes.some(({ path }) => path.includes(`/namespaces/${namespace}/`)));
    for (const name of names) {
      const model = await client.get(LOCAL_MODELS, { namespace, name });
      assert.deepEqual(model?.status, { observedGeneration: UNSEEN_GENERATION });
    }
    // The definitions are young: a list of them may fail, which is another matter.
    assert.deepEqual(
      said.filter((line) => line.includes(namespace)),
      [],
    );
  });
});
