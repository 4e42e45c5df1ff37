/**
 * Several replicas and a cache that not all of them can have, on a real API server with its controllers and scheduler: what
 * is told is what the scheduler, and the controller that attaches volumes, say. The test plays the kubelet and the driver.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { NODES } from "@localmodel/kube/objects/core-resources.ts";
import { http } from "../../services/operator/fixtures/models.ts";
import { eventually } from "../support/eventually.ts";
import { OperatorCluster } from "../support/operator-cluster.ts";

const HOUR_MS = 3_600_000;
const DRIVER = "volumes.example.com";
const STORAGE = "/apis/storage.k8s.io/v1";

type AccessMode = "ReadWriteOnce" | "ReadWriteOncePod";
type Case = { readonly accessMode: AccessMode; readonly volume: object };
type Attachments = { readonly items: readonly { readonly metadata: { readonly name: string } }[] };

suite("two replicas on two nodes, with one cache", () => {
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

  /** Of two replicas the first one serves, and has its volume on its node. */
  async function oneServes(name: string, { accessMode, volume }: Case): Promise<void> {
    for (const node of [`${name}-a`, `${name}-b`]) {
      await cluster.addNode(node, {});
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
    const one = {
      source: { http },
      nodeSelector: { pool: name },
      cache: { claimTemplate: { size: "10Gi", storageClassName: name, accessMode } },
      // So that a node takes one of them.
      resources: { requests: { cpu: "40", memory: "1Gi", "ephemeral-storage": "1Gi" } },
    };
    await cluster.apply(name, one);
    const first = await cluster.placed(name);
    await cluster.becomesReady(first);
    await cluster.until(name, "Ready", "True Ready");
    await cluster.apply(name, { ...one, replicas: 2 });
    await cluster.podsWhen(name, 2);
  }

  /** What the driver's own controller does. */
  async function attachAll(): Promise<void> {
    await eventually("the volume to be attached", async () => {
      const path = `${STORAGE}/volumeattachments`;
      const { items } = await cluster.client.transport.json<Attachments>({ method: "GET", path });
      assert.ok(items.length > 0);
      for (const { metadata } of items) {
        await cluster.client.transport.json({
          method: "PATCH",
          path: `${path}/${metadata.name}/status`,
          body: { status: { attached: true } },
          contentType: "application/merge-patch+json",
        });
      }
    });
  }

  test("on a volume that is attached to one of the nodes: the second is told what it would take", async () => {
    await using _operator = await cluster.startOperator({ aheadMs: HOUR_MS });
    const csi = { driver: DRIVER, volumeHandle: "attached" };
    const serves = oneServes("attached", { accessMode: "ReadWriteOnce", volume: { csi } });
    await attachAll();
    await serves;
    const { message } = await cluster.until("attached", "Progressing", "False VolumeUnavailable");
    assert.match(message, /volume "attached" Volume is already used by pod/);
    assert.match(message, /have ReadWriteMany in spec\.cache, or one replica/);
    await cluster.until("attached", "Scheduled", "True Scheduled");
    const ready = await cluster.until("attached", "Ready", "False VolumeUnavailable");
    assert.match(ready.message, /Meanwhile 1 pod answers\./);
  });

  test("on a disk of one of the nodes: another node is not what the second is told to have added", async () => {
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

  test("on a claim for one pod: the second is told so", async () => {
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
