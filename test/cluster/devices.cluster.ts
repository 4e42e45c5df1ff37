/**
 * Rolls where every device is taken, on a real scheduler and a real kubelet: nobody has to help, and no stream is cut.
 *
 * An old pod makes room a minute after the new one has found none; so all of them wait at the same time, each for devices
 * of its own. What they are called is all that the scheduler knows of them, and the servers do without.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { LocalModelSpecInput } from "@localmodel/localmodel/resource/localmodel.ts";
import { run } from "../build/command.ts";
import { eventually, type Patience } from "../support/eventually.ts";
import { ALL_OPEN, type OpenResult, openModule } from "./harness/client-modules.ts";
import { devicesOf, setDevices } from "./harness/devices.ts";
import { tagged } from "./harness/load-images.ts";
import { TINY_FILE, WEIGHTS_FILE, WEIGHTS_SHA256 } from "./harness/model-files.ts";
import { goesFirst, Scene } from "./harness/scene.ts";

const STREAMS = 100;
/** A bound for a wait in vain. */
const PATIENCE: Patience = { timeoutMs: 300_000, intervalMs: 500 };

type Spec = Partial<LocalModelSpecInput>;
type Roll = {
  readonly devices: number;
  readonly before: Spec;
  readonly after: Spec;
  /** Where an old pod goes first anyway, nothing waits for room. */
  readonly replaces?: boolean;
};

const memory = (request: string, cpu = "50m"): Spec => ({
  resources: { requests: { cpu, memory: request } },
});

const gpu = (name: string, count: number): Spec => ({
  gpu: { resourceName: devicesOf(name), count, requirement: "Preferred" },
});

suite("a roll on a node whose devices are all taken", { concurrency: 6 }, () => {
  let scene: Scene;
  let node: string;
  const names: string[] = [];
  const volumes: string[] = [];

  before(async () => {
    scene = await Scene.open("devices");
    node = scene.cluster.containers[1] ?? "";
  });

  after(async () => {
    await scene?.[Symbol.asyncDispose]();
    for (const name of names) await setDevices(scene.kubectl, node, devicesOf(name), null);
    for (const name of volumes) await scene.kubectl("delete", "persistentvolume", name);
  });

  /** As many devices as there are, of a kind of its own. */
  async function devicesFor(name: string, count: number): Promise<void> {
    names.push(name);
    await setDevices(scene.kubectl, node, devicesOf(name), count);
  }

  /** A disk of the node that one pod at a time may use. */
  async function addVolume(name: string): Promise<string> {
    const volume = `${scene.namespace}-${name}`;
    const path = `/var/lib/volumes/${volume}`;
    await run("docker", ["exec", node, "mkdir", "--parents", path]);
    const matchExpressions = [{ key: "kubernetes.io/hostname", operator: "In", values: [node] }];
    volumes.push(volume);
    await scene.apply({
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: volume },
      spec: {
        accessModes: ["ReadWriteOncePod"],
        capacity: { storage: "1Gi" },
        storageClassName: volume,
        local: { path },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
      },
    });
    return volume;
  }

  async function untilRoomIsMissing(name: string): Promise<void> {
    await eventually(
      `${name} to wait for room`,
      async () => {
        const { reason, message } = await scene.condition(name, "Scheduled");
        assert.equal(reason, "WaitingForRoom", message);
      },
      PATIENCE,
    );
  }

  async function rolls(name: string, { devices, replaces = false, ...specs }: Roll): Promise<void> {
    await devicesFor(name, devices);
    const common: Spec = {
      source: { http: { url: scene.url("files", TINY_FILE) } },
      engine: { slots: 1, contextTokens: 256, threads: 1 },
      ...memory("128Mi"),
      ...gpu(name, 1),
    };
    await scene.model(name, { ...common, ...specs.before });
    await scene.untilReady(name);
    await eventually("what the server has found to be told", async () => {
      const { status, reason } = await scene.condition(name, "Accelerated");
      assert.equal(`${status} ${reason}`, "False AcceleratorMissing");
    });
    const [old] = await scene.pods(name);
    await scene.model(name, { ...common, ...specs.after });
    if (!replaces) await untilRoomIsMissing(name);
    await scene.untilReady(name);
    const [next, ...more] = await scene.pods(name);
    assert.deepEqual(more, []);
    assert.equal(next?.spec.nodeName, node);
    assert.notEqual(next?.metadata.uid, old?.metadata.uid);
  }

  test("to more memory than before, on the only device, ends by itself", async () => {
    await rolls("larger", { devices: 1, before: memory("128Mi"), after: memory("256Mi") });
  });

  test("to the second of two devices ends by itself", async () => {
    await rolls("second", { devices: 2, before: gpu("second", 1), after: gpu("second", 2) });
  });

  test("to a further toleration ends by itself", async () => {
    const tolerations = [{ key: "spot", operator: "Exists" as const }];
    await rolls("tolerant", { devices: 1, before: {}, after: { tolerations } });
  });

  test("with a cache of its own that one pod at a time may use ends by itself", async () => {
    const storageClassName = await addVolume("own");
    const claimTemplate = {
      size: "1Gi",
      storageClassName,
      accessMode: "ReadWriteOncePod",
    } as const;
    const cache = { claimTemplate };
    await rolls("own", {
      devices: 1,
      replaces: true,
      before: { cache },
      after: { cache, ...memory("256Mi") },
    });
  });

  test("with its author's cache that one pod at a time may use ends by itself", async () => {
    const storageClassName = await addVolume("brought");
    await scene.apply({
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "brought", namespace: scene.namespace },
      spec: {
        accessModes: ["ReadWriteOncePod"],
        storageClassName,
        resources: { requests: { storage: "1Gi" } },
      },
    });
    const cache = { claimName: "brought" };
    // Of devices there are enough: it is the claim that the new pod waits for.
    await rolls("brought", { devices: 2, before: { cache }, after: { cache, ...memory("256Mi") } });
  });

  test("with a hundred streams open cuts none, and waits for weights that are an image as long as it takes", async () => {
    const name = "crowded";
    const { weights } = scene.cluster.images;
    const reference = `registry.invalid/weights:${scene.namespace}`;
    const image = { reference, path: WEIGHTS_FILE, pullPolicy: "IfNotPresent" as const };
    await devicesFor(name, 1);
    const spec = {
      engine: { slots: STREAMS, contextTokens: 192, threads: 2 },
      ...memory("512Mi", "500m"),
      ...gpu(name, 1),
    };
    await scene.model(name, spec);
    await scene.untilReady(name);
    const [old] = await scene.pods(name);
    await scene.model(name, { ...spec, source: { image, sha256: WEIGHTS_SHA256 } });
    const failed = await scene.untilReason(name, /^ImagePullFailed$/);
    assert.match(failed.message, /Meanwhile 1 pod answers\./);
    await eventually(
      "the old pod to be the one that goes",
      async () => {
        const all = await scene.pods(name);
        const pod = all.find(({ metadata }) => metadata.uid === old?.metadata.uid);
        assert.ok(pod !== undefined && goesFirst(pod));
      },
      PATIENCE,
    );
    const streams = await scene.startInCluster(openModule(name, STREAMS));
    await streams.says(ALL_OPEN);
    await tagged(scene.cluster, weights, reference);
    // The next one finds it, and need not wait until the kubelet tries again.
    await scene.kubectl("delete", "pod", `localmodel-${name}-pull`);
    await eventually(
      "the old pod to be told to end",
      async () => {
        const uids = (await scene.pods(name)).map(({ metadata }) => metadata.uid);
        assert.ok(!uids.includes(old?.metadata.uid ?? ""));
      },
      PATIENCE,
    );
    assert.equal(await streams.isOver(), false);
    const { ended, tokens, failures } = await streams.finish<OpenResult>();
    assert.deepEqual(failures, []);
    assert.equal(ended, STREAMS);
    assert.ok(tokens > STREAMS, `${tokens} tokens`);
    await scene.untilReady(name);
  });
});
