/**
 * Pods and a cache that not all of them can have, on a real API server with its controllers and scheduler: what
 * is told is what the scheduler, and the controller that attaches volumes, say. The test plays the kubelet and the driver.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import {
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  type Pod,
} from "@localmodel/kube/objects/core-resources.ts";
import { http } from "../../services/operator/fixtures/models.ts";
import { eventually } from "../support/eventually.ts";
import { containerStatus, NAMESPACE, OperatorCluster } from "../support/operator-cluster.ts";

const HOUR_MS = 3_600_000;
const DRIVER = "volumes.example.com";
const STORAGE = "/apis/storage.k8s.io/v1";

type AccessMode = "ReadWriteOnce" | "ReadWriteOncePod";
type Case = { readonly accessMode: AccessMode; readonly volume: object };
/** Of a pod that has filled the cache. */
const FETCHED = {
  phase: "Succeeded",
  containerStatuses: [
    containerStatus("fetch", { terminated: { exitCode: 0, reason: "Completed" } }),
  ],
};

type Attachments = {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly spec: {
      readonly nodeName: string;
      readonly source: { readonly persistentVolumeName: string };
    };
  }[];
};

const specOn = (pool: string) => ({
  source: { http },
  nodeSelector: { pool },
  // So that a node takes one of them.
  resources: { requests: { cpu: "40", memory: "1Gi", "ephemeral-storage": "1Gi" } },
});

suite("two nodes and one cache", () => {
  let cluster: OperatorCluster;

  before(async () => {
    cluster = await OperatorCluster.start({ scheduler: true });
    await post(`${STORAGE}/csidrivers`, {
      metadata: { name: DRIVER },
      spec: { attachRequired: true },
    });
  });
  after(async () => cluster?.[Symbol.asyncDispose]());

  const post = (path: string, body: object) =>
    cluster.client.transport.json({ method: "POST", path, body });

  /** With two nodes of their own. */
  async function addVolume(name: string, { accessMode, volume }: Case): Promise<void> {
    for (const node of [`${name}-a`, `${name}-b`]) {
      await cluster.addNode(node, { "nvidia.com/gpu": "1" });
      const annotations = { "volumes.kubernetes.io/controller-managed-attach-detach": "true" };
      const metadata = { labels: { pool: name }, annotations };
      await cluster.client.mergePatch(NODES, { name: node }, { metadata });
    }
    await post(`${STORAGE}/storageclasses`, {
      metadata: { name },
      provisioner: DRIVER,
      volumeBindingMode: "WaitForFirstConsumer",
    });
    await post("/api/v1/persistentvolumes", {
      metadata: { name },
      spec: {
        accessModes: [accessMode],
        capacity: { storage: "10Gi" },
        storageClassName: name,
        ...volume,
      },
    });
  }

  /** One of the author's, for pods of one node at a time. */
  async function addClaim(name: string): Promise<void> {
    const csi = { driver: DRIVER, volumeHandle: name };
    await addVolume(name, { accessMode: "ReadWriteOnce", volume: { csi } });
    await cluster.client.apply(PERSISTENT_VOLUME_CLAIMS, {
      metadata: { namespace: NAMESPACE, name },
      spec: {
        accessModes: ["ReadWriteOnce"],
        storageClassName: name,
        resources: { requests: { storage: "10Gi" } },
      },
    });
  }

  /** Of two replicas the first one serves, and has its volume on its node. */
  async function oneServes(name: string, wanted: Case): Promise<void> {
    await addVolume(name, wanted);
    const { accessMode } = wanted;
    const claimTemplate = { size: "10Gi", storageClassName: name, accessMode };
    const one = { ...specOn(name), cache: { claimTemplate } };
    await cluster.apply(name, one);
    const first = await cluster.placed(name);
    await cluster.becomesReady(first);
    await cluster.until(name, "Ready", "True Ready");
    await cluster.apply(name, { ...one, replicas: 2 });
    await cluster.podsWhen(name, 2);
  }

  /** The pod that fills the cache, once it has a node: any but those named. */
  async function placedFetcher(model: string, but: readonly Pod[] = []): Promise<Pod> {
    return eventually(`the pod that fills the cache of ${model}`, async () => {
      await cluster.buryPods();
      const pod = (await cluster.pods(model, "fetch")).find(
        ({ metadata, spec }) =>
          (spec?.nodeName ?? "") !== "" && but.every((one) => one.metadata.uid !== metadata.uid),
      );
      assert.ok(pod);
      return pod;
    });
  }

  /** What the driver's own controller does, once somebody wants the volume. */
  async function attach(volume: string, nodeName?: string): Promise<void> {
    await eventually(`${volume} to be attached`, async () => {
      const path = `${STORAGE}/volumeattachments`;
      const { items } = await cluster.client.transport.json<Attachments>({ method: "GET", path });
      const one = items.find(
        ({ spec }) =>
          spec.source.persistentVolumeName === volume &&
          (nodeName === undefined || spec.nodeName === nodeName),
      );
      assert.ok(one);
      await cluster.client.transport.json({
        method: "PATCH",
        path: `${path}/${one.metadata.name}/status`,
        body: { status: { attached: true } },
        contentType: "application/merge-patch+json",
      });
    });
  }

  test("that is attached to one of them: the second replica is told what it would take", async () => {
    await using _operator = await cluster.startOperator({ aheadMs: HOUR_MS });
    const csi = { driver: DRIVER, volumeHandle: "attached" };
    const serves = oneServes("attached", { accessMode: "ReadWriteOnce", volume: { csi } });
    await attach("attached");
    await serves;
    const { message } = await cluster.until("attached", "Progressing", "False VolumeUnavailable");
    assert.match(message, /volume "attached" Volume is already used by pod/);
    assert.match(message, /have ReadWriteMany in spec\.cache, or one replica/);
    await cluster.until("attached", "Scheduled", "True Scheduled");
    const ready = await cluster.until("attached", "Ready", "False VolumeUnavailable");
    assert.match(ready.message, /Meanwhile 1 pod answers\./);
  });

  test("that its author brings: where one node at a time may mount it, a roll to another node ends by itself", async () => {
    await using _operator = await cluster.startOperator({ aheadMs: HOUR_MS });
    await addClaim("brought");
    const one = { ...specOn("brought"), cache: { claimName: "brought" } };
    await cluster.apply("brought", one);
    const old = await cluster.placed("brought");
    await attach("brought");
    await cluster.becomesReady(old);
    await cluster.until("brought", "Ready", "True Ready");

    await cluster.apply("brought", { ...one, engine: { slots: 2 } });
    const next = await cluster.placed("brought", [old]);
    assert.notEqual(next.spec?.nodeName, old.spec?.nodeName);
    // Before the old one goes, the image is pulled where the new one is.
    const [pull] = await cluster.podsWhen("brought", 1, "pull");
    assert.ok(pull);
    assert.equal((await cluster.pods("brought")).length, 2);
    await cluster.placed("brought", [old]);
    await cluster.report(pull, { phase: "Succeeded" });
    const [left] = await cluster.podsWhen("brought", 1);
    assert.equal(left?.metadata.uid, next.metadata.uid);
    await cluster.becomesReady(next);
    await cluster.until("brought", "Ready", "True Ready");
  });

  test("that its author brings: where one node at a time may mount it, it is filled on the node that has it", async () => {
    await using _operator = await cluster.startOperator({ aheadMs: HOUR_MS });
    await addClaim("filled");
    // Pods of models with devices are not made before.
    const gpu = { count: 1, requirement: "Preferred" as const };
    const one = { ...specOn("filled"), gpu, cache: { claimName: "filled" } };
    await cluster.apply("filled", one);
    const first = await placedFetcher("filled");
    await attach("filled", first.spec?.nodeName);
    await cluster.report(first, FETCHED);
    const old = await cluster.placed("filled");
    await attach("filled", old.spec?.nodeName);
    await cluster.becomesReady(old);
    await cluster.until("filled", "Ready", "True Ready");

    // So that the next pod gets the other node.
    const name = old.spec?.nodeName ?? "";
    await cluster.client.mergePatch(NODES, { name }, { spec: { unschedulable: true } });
    const source = { http: { ...http, url: `${http.url}?2` } };
    await cluster.apply("filled", { ...one, source });
    const there = await placedFetcher("filled", [first]);
    assert.equal(there.spec?.nodeName, name);
    await cluster.report(there, FETCHED);
    assert.notEqual((await cluster.placed("filled", [old])).spec?.nodeName, name);
  });

  test("that is a disk of one of them: another node is not what the second replica is told to have added", async () => {
    await using _operator = await cluster.startOperator({ aheadMs: HOUR_MS });
    const values = ["local-a"];
    const matchExpressions = [{ key: "kubernetes.io/hostname", operator: "In", values }];
    await oneServes("local", {
      accessMode: "ReadWriteOnce",
      volume: {
        local: { path: "/tmp" },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
      },
    });
    const { message } = await cluster.until("local", "Scheduled", "False Unschedulable");
    assert.match(message, /1 of \d nodes: didn't match PersistentVolume's node affinity/);
    assert.match(message, /only some nodes reach/);
    assert.match(message, /have ReadWriteMany in spec\.cache .*, have one replica, or free/);
    assert.doesNotMatch(message, /Add or free such a node/);
    await cluster.until("local", "Progressing", "False Unschedulable");
  });

  test("that is for one pod: the second replica is told so", async () => {
    await using _operator = await cluster.startOperator({ aheadMs: HOUR_MS });
    await oneServes("one-pod", {
      accessMode: "ReadWriteOncePod",
      volume: { csi: { driver: DRIVER, volumeHandle: "one-pod" } },
    });
    const { message } = await cluster.until("one-pod", "Scheduled", "False Unschedulable");
    assert.match(message, /serves one pod at a time/);
    assert.match(message, /have ReadWriteMany in spec\.cache, or one replica/);
    assert.doesNotMatch(message, /Add or free such a node/);
    await cluster.until("one-pod", "Progressing", "False Unschedulable");
  });
});
