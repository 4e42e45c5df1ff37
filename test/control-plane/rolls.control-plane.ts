/**
 * Rolls where devices are scarce, on a real API server with its controllers and scheduler: the test only plays kubelet.
 *
 * Nodes have devices by a number in their status, which is all that a scheduler knows of them. The operator's time of
 * day is ahead, so that what it would wait for is over.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import {
  CORE_EVENTS,
  PERSISTENT_VOLUME_CLAIMS,
  type Pod,
} from "@localmodel/kube/objects/core-resources.ts";
import type { LocalModelSpecInput } from "@localmodel/localmodel/resource/localmodel.ts";
import { http } from "../../services/operator/fixtures/models.ts";
import { NAMESPACE, OperatorCluster } from "../support/operator-cluster.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const GPU = "nvidia.com/gpu";
/** All is said that a header would say. */
const memory = (memoryRequest: string) => ({
  resources: { requests: { memory: memoryRequest, "ephemeral-storage": "1Gi" } },
});
const gpu = (count: number) => ({ gpu: { count, requirement: "Preferred" as const } });

suite("rolls on nodes whose devices are all taken", () => {
  let cluster: OperatorCluster;

  before(async () => {
    cluster = await OperatorCluster.start({ scheduler: true });
  });
  after(async () => cluster?.[Symbol.asyncDispose]());

  type Roll = {
    readonly devices: number;
    readonly before: Partial<LocalModelSpecInput>;
    readonly after: Partial<LocalModelSpecInput>;
  };

  /** Of one replica on a node of its own. */
  async function rolls(name: string, { devices, before: from, after: to }: Roll): Promise<void> {
    const selected = { source: { http }, nodeSelector: { "kubernetes.io/hostname": name } };
    await cluster.addNode(name, { [GPU]: String(devices) });
    await using _operator = await cluster.startOperator({ aheadMs: HOUR_MS });
    await cluster.apply(name, { ...selected, ...from });
    const old = await cluster.placed(name);
    await cluster.becomesReady(old);
    await cluster.until(name, "Ready", "True Ready");
    await cluster.apply(name, { ...selected, ...to });
    const next = await cluster.placed(name, [old]);
    await cluster.becomesReady(next);
    await cluster.until(name, "Ready", "True Ready");
    await cluster.podsWhen(name, 1);
  }

  const ways: Readonly<Record<string, Roll>> = {
    "a larger model on the same device": {
      devices: 1,
      before: { ...gpu(1), ...memory("4Gi") },
      after: { ...gpu(1), ...memory("10Gi") },
    },
    "a second device of a node that has two": {
      devices: 2,
      before: { ...gpu(1), ...memory("4Gi") },
      after: { ...gpu(2), ...memory("4Gi") },
    },
    "a further toleration": {
      devices: 1,
      before: { ...gpu(1), ...memory("4Gi") },
      after: {
        ...gpu(1),
        ...memory("4Gi"),
        tolerations: [{ key: "spot", operator: "Exists" as const }],
      },
    },
  };
  for (const [index, [what, roll]] of Object.entries(ways).entries()) {
    test(`${what} ends by itself`, async () => rolls(`roll-${index}`, roll));
  }

  test("a volume that one pod may use at a time ends by itself", async () => {
    await cluster.client.apply(PERSISTENT_VOLUME_CLAIMS, {
      metadata: { namespace: NAMESPACE, name: "shared" },
      spec: {
        accessModes: ["ReadWriteOncePod"],
        storageClassName: "",
        volumeName: "shared",
        resources: { requests: { storage: "1Gi" } },
      },
    });
    await cluster.client.transport.json({
      method: "POST",
      path: "/api/v1/persistentvolumes",
      body: {
        apiVersion: "v1",
        kind: "PersistentVolume",
        metadata: { name: "shared" },
        spec: {
          accessModes: ["ReadWriteOncePod"],
          capacity: { storage: "1Gi" },
          storageClassName: "",
          hostPath: { path: "/tmp" },
        },
      },
    });
    await rolls("volume", {
      devices: 0,
      before: { ...memory("1Gi"), cache: { claimName: "shared" } },
      after: { ...memory("2Gi"), cache: { claimName: "shared" } },
    });
  });

  test("of what could not start in an old pod's place nothing is ended, and it is said why", async () => {
    await cluster.addNode("too-small", { [GPU]: "1" });
    await using _operator = await cluster.startOperator({ aheadMs: HOUR_MS });
    const spec = {
      source: { http },
      nodeSelector: { "kubernetes.io/hostname": "too-small" },
      ...memory("1Gi"),
    };
    await cluster.apply("too-small", { ...spec, ...gpu(1) });
    const old = await cluster.placed("too-small");
    await cluster.becomesReady(old);
    await cluster.until("too-small", "Ready", "True Ready");
    await cluster.apply("too-small", { ...spec, ...gpu(2) });
    const ready = await cluster.until("too-small", "Ready", "False Unschedulable");
    assert.match(ready.message, /would not help \(it would not have enough nvidia.com\/gpu\)/);
    assert.match(ready.message, /Meanwhile 1 pod answers/);
    const pods = await cluster.podsWhen("too-small", 2);
    assert.ok(pods.some(({ metadata }) => metadata.uid === old.metadata.uid));
  });
});

suite("a roll that waits for room", () => {
  let cluster: OperatorCluster;

  before(async () => {
    cluster = await OperatorCluster.start({ scheduler: true });
  });
  after(async () => cluster?.[Symbol.asyncDispose]());

  test("says so, and is no matter for a person", async () => {
    await cluster.addNode("full", { [GPU]: "1" });
    await using _operator = await cluster.startOperator();
    const spec = {
      source: { http },
      ...gpu(1),
      nodeSelector: { "kubernetes.io/hostname": "full" },
    };
    await cluster.apply("waits", { ...spec, ...memory("1Gi") });
    const old = await cluster.placed("waits");
    await cluster.becomesReady(old);
    await cluster.until("waits", "Ready", "True Ready");
    await cluster.apply("waits", { ...spec, ...memory("2Gi") });
    await cluster.until("waits", "Scheduled", "False WaitingForRoom");
    await cluster.until("waits", "Progressing", "True WaitingForRoom");
    const ready = await cluster.until("waits", "Ready", "Unknown RollingOut");
    assert.match(ready.message, /An old pod makes room for it\. Meanwhile 1 pod answers/);
    const { items } = await cluster.client.list({ resource: CORE_EVENTS, namespace: NAMESPACE });
    const said = items.filter(({ involvedObject }) => involvedObject?.kind === "LocalModel");
    assert.deepEqual(
      said.filter(({ type }) => type === "Warning"),
      [],
    );
    assert.ok(said.length > 0);
  });

  test("waits longer where an autoscaler has said that it brings a node, and not for ever", async () => {
    await cluster.addNode("growing", { [GPU]: "1" });
    const spec = {
      source: { http },
      ...gpu(1),
      nodeSelector: { "kubernetes.io/hostname": "growing" },
    };
    {
      await using _operator = await cluster.startOperator();
      await cluster.apply("grows", { ...spec, ...memory("1Gi") });
      const first = await cluster.placed("grows");
      await cluster.becomesReady(first);
      await cluster.until("grows", "Ready", "True Ready");
      await cluster.apply("grows", { ...spec, ...memory("2Gi") });
      await cluster.until("grows", "Scheduled", "False WaitingForRoom");
    }
    const pods = await cluster.podsWhen("grows", 2);
    const old = pods.find(({ spec: its }) => (its?.nodeName ?? "") !== "");
    const next = pods.find((pod) => pod !== old);
    assert.ok(old && next);
    await autoscalerSays(next, "TriggeredScaleUp");
    {
      // Longer than it waits for anything else.
      await using operator = await cluster.startOperator({ aheadMs: 10 * MINUTE_MS });
      await cluster.until("grows", "Scheduled", "False AddingNode");
      await operator.passes(2);
      const stays = (await cluster.pods("grows")).find(
        ({ metadata }) => metadata.uid === old.metadata.uid,
      );
      assert.ok(stays && stays.metadata.deletionTimestamp === undefined);
    }
    await using _later = await cluster.startOperator({ aheadMs: 16 * MINUTE_MS });
    await cluster.becomesReady(await cluster.placed("grows", [old]));
    await cluster.until("grows", "Ready", "True Ready");
  });

  /** As Cluster Autoscaler tells it. */
  async function autoscalerSays({ metadata }: Pod, reason: string): Promise<void> {
    const now = new Date().toISOString().replace(/\.\d+/, "");
    await cluster.client.transport.json({
      method: "POST",
      path: `/api/v1/namespaces/${NAMESPACE}/events`,
      body: {
        apiVersion: "v1",
        kind: "Event",
        metadata: { name: `${metadata.name}.autoscaler`, namespace: NAMESPACE },
        involvedObject: {
          apiVersion: "v1",
          kind: "Pod",
          namespace: NAMESPACE,
          name: metadata.name,
          uid: metadata.uid,
        },
        reason,
        message: "pod triggered scale-up: [{gpus 1->2 (max: 4)}]",
        type: "Normal",
        source: { component: "cluster-autoscaler" },
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
      },
    });
  }
});
