/**
 * Scaling by demand on a real API server; the test plays API pod, scheduler and kubelet.
 */
import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { after, before, suite, test } from "node:test";
import { ENDPOINT_SLICES } from "@localmodel/kube/objects/core-resources.ts";
import { demandTokenFor } from "@localmodel/localmodel/contracts/server-key.ts";
import { SECRETS } from "@localmodel/kube/objects/core-resources.ts";
import { apiPod } from "../../services/operator/fixtures/api-pod.ts";
import { http } from "../../services/operator/fixtures/models.ts";
import {
  eventually,
  NAMESPACE,
  OperatorCluster,
  SERVER_SECRET,
} from "../support/operator-cluster.ts";

const SERVICE = "localmodel-api";
const SECRET = "of-the-servers";
const source = { http };
const resources = { requests: { memory: "1Gi", "ephemeral-storage": "1Gi" } };

/** The API server takes no address of the loopback interface for an endpoint. */
const address = Object.values(networkInterfaces())
  .flatMap((infos) => infos ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

suite("models that scale", { skip: address === undefined }, () => {
  let cluster: OperatorCluster;
  let api: Awaited<ReturnType<typeof apiPod>>;

  before(async () => {
    cluster = await OperatorCluster.start();
    api = await apiPod(demandTokenFor(SECRET));
    await cluster.client.apply(SECRETS, {
      metadata: SERVER_SECRET,
      data: { key: Buffer.from(SECRET).toString("base64") },
    });
    await nameApiPods([address ?? ""]);
  });

  after(async () => {
    await api?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  const nameApiPods = (addresses: readonly string[]) =>
    cluster.client.apply(ENDPOINT_SLICES, {
      metadata: {
        namespace: NAMESPACE,
        name: `${SERVICE}-1`,
        labels: { "kubernetes.io/service-name": SERVICE },
      },
      addressType: "IPv4",
      ports: [{ name: "http", port: 8080, protocol: "TCP" }],
      endpoints: addresses.map((one) => ({ addresses: [one], conditions: { ready: true } })),
    });

  const operator = () =>
    cluster.startOperator({
      config: { demand: { namespace: NAMESPACE, service: SERVICE, port: api.port } },
    });

  const untilReplicas = (name: string, count: number) =>
    eventually(async () => {
      assert.equal((await cluster.deployment(name))?.spec?.replicas, count);
    });

  test("a model sleeps from the start, is woken for a request, and sleeps when nobody asks any more", async () => {
    await using _operator = await operator();
    await cluster.apply("sleepy", { source, resources, scaling: { idleSeconds: 1 } });
    await cluster.until("sleepy", "Ready", "True Asleep");
    await cluster.until("sleepy", "Active", "False Asleep");
    await untilReplicas("sleepy", 0);
    api.ask({ namespace: NAMESPACE, name: "sleepy", queued: 1, lastAskedAtMs: Date.now() });
    await cluster.podsWhen("sleepy", 1);
    await cluster.until("sleepy", "Active", "True Active");
    assert.equal((await cluster.model("sleepy"))?.status?.scaling?.reason, "Demand");
    api.ask({ namespace: NAMESPACE, name: "sleepy", lastAskedAtMs: Date.now() });
    await cluster.podsWhen("sleepy", 0);
    await cluster.until("sleepy", "Ready", "True Asleep");
  });

  test("a new operator leaves what is asked for awake, and wakes what was asked for meanwhile", async () => {
    const scaling = { idleSeconds: 0 };
    const first = await operator();
    await cluster.apply("kept", { source, resources, scaling });
    await cluster.apply("late", { source, resources, scaling });
    await cluster.until("kept", "Ready", "True Asleep");
    await cluster.until("late", "Ready", "True Asleep");
    const kept = { namespace: NAMESPACE, name: "kept", inFlight: 1, lastAskedAtMs: Date.now() };
    api.ask(kept);
    const [pod] = await cluster.podsWhen("kept", 1);
    const generation = (await cluster.deployment("kept"))?.metadata.generation;
    await first[Symbol.asyncDispose]();
    api.ask(kept, { namespace: NAMESPACE, name: "late", queued: 1, lastAskedAtMs: Date.now() });
    await using _second = await operator();
    await cluster.podsWhen("late", 1);
    // It applies all anew, and that changes nothing.
    const { metadata } = (await cluster.deployment("kept")) ?? {};
    assert.equal(metadata?.generation, generation);
    assert.equal((await cluster.pods("kept"))[0]?.metadata.uid, pod?.metadata.uid);
  });

  test("a model that sleeps in its pod is not Active while an API pod says so", async () => {
    await using _operator = await operator();
    const model = { namespace: NAMESPACE, name: "unloaded" };
    await cluster.apply("unloaded", { source, resources, scaling: { sleep: "unload" } });
    await cluster.podsWhen("unloaded", 1);
    await cluster.until("unloaded", "Active", "True Active");
    api.ask({ ...model, lastAskedAtMs: 0, lastCameAtMs: 0, isUnloaded: true });
    await cluster.until("unloaded", "Active", "False Asleep");
    await untilReplicas("unloaded", 1);
    const lack = { reason: "VramTooSmall", message: "They need 4 GiB, and 1 GiB is free" };
    api.ask({ ...model, queued: 1, lastAskedAtMs: Date.now(), isUnloaded: true, lack });
    await cluster.until("unloaded", "Loaded", "False VramTooSmall");
    api.ask({ ...model, queued: 1, lastAskedAtMs: Date.now() });
    await cluster.until("unloaded", "Active", "True Active");
  });

  test("of pods that are busy none is ended to have fewer: one is to become idle, and goes when it is", async () => {
    await using _operator = await operator();
    const scaling = {
      minReplicas: 1,
      maxReplicas: 2,
      targetRequestsPerReplica: 2,
      scaleDownSeconds: 0,
    };
    await cluster.apply("relieved", { source, resources, scaling });
    const asked = { namespace: NAMESPACE, name: "relieved" };
    api.ask({ ...asked, queued: 3, lastAskedAtMs: Date.now() });
    const pods = await cluster.podsWhen("relieved", 2);
    const [first = "", second = ""] = pods.map(({ metadata }) => metadata.name);
    const at = (inFlight: Readonly<Record<string, number>>) => ({
      ...asked,
      lastAskedAtMs: Date.now(),
      inFlight: Object.values(inFlight).reduce((sum, count) => sum + count, 0),
      servers: Object.entries(inFlight).map(([pod, count]) => ({ pod, inFlight: count })),
    });
    api.ask(at({ [first]: 1, [second]: 1 }));
    const leaving = await eventually(async () => {
      const { status } = (await cluster.model("relieved")) ?? {};
      assert.deepEqual([status?.scaling?.desired, status?.scaling?.reason], [2, "Busy"]);
      const [name] = status?.scaling?.leaving ?? [];
      assert.ok(name !== undefined);
      return name;
    });
    assert.equal((await cluster.deployment("relieved"))?.spec?.replicas, 2);
    const other = leaving === first ? second : first;
    api.ask(at({ [other]: 2 }));
    const left = await cluster.podsWhen("relieved", 1);
    assert.deepEqual(
      left.map(({ metadata }) => metadata.name),
      [other],
    );
  });

  test("nothing is scaled down while an API pod is not heard", async () => {
    await using running = await operator();
    const asked = { namespace: NAMESPACE, name: "unheard", lastAskedAtMs: Date.now() };
    await cluster.apply("unheard", { source, resources, scaling: { idleSeconds: 1 } });
    await cluster.until("unheard", "Ready", "True Asleep");
    api.ask({ ...asked, queued: 1 });
    await cluster.podsWhen("unheard", 1);
    // One that nobody answers for.
    await nameApiPods([address ?? "", "192.0.2.1"]);
    await cluster.until("unheard", "Active", "True Active");
    api.ask({ ...asked, lastAskedAtMs: Date.now() });
    await eventually(async () => {
      assert.equal((await cluster.model("unheard"))?.status?.scaling?.reason, "DemandUnknown");
    });
    assert.equal((await cluster.deployment("unheard"))?.spec?.replicas, 1);
    await nameApiPods([address ?? ""]);
    await cluster.podsWhen("unheard", 0);
    await running.passes(1);
  });
});
