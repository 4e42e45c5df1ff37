/** LocalModelClasses on a real API server: what they give to pods, and what they do not let LocalModels do. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { LocalModelClassSpecInput } from "@localmodel/localmodel/resource/class-spec.ts";
import { http } from "../../services/operator/fixtures/models.ts";
import { LOCAL_MODEL_CLASSES } from "../../services/operator/model/model-class.ts";
import { eventually, OperatorCluster, type RunningOperator } from "../support/operator-cluster.ts";

const source = { http };
const resources = { requests: { memory: "1Gi", "ephemeral-storage": "1Gi" } };

suite("classes on a real API server", () => {
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

  const applyClass = (name: string, spec: LocalModelClassSpecInput) =>
    cluster.client.apply(LOCAL_MODEL_CLASSES, { metadata: { name }, spec });

  const patch = (spec: Record<string, unknown>) =>
    applyClass("patched", { podTemplatePatch: { spec } });

  test("a class that is named has to be there, and one that comes is used at once", async () => {
    await cluster.apply("waiting", { source, resources, className: "gpu" });
    await cluster.until("waiting", "Ready", "False ClassMissing");
    assert.equal(await cluster.deployment("waiting"), undefined);
    const toleration = { key: "pool", operator: "Exists" as const };
    await applyClass("gpu", {
      tolerations: [toleration],
      nodeSelector: { pool: "gpu" },
      environment: { HTTPS_PROXY: "http://proxy.example:3128" },
    });
    const [pod] = await cluster.podsWhen("waiting", 1);
    assert.ok(pod?.spec);
    const { nodeSelector, tolerations = [], initContainers = [], containers } = pod.spec;
    assert.deepEqual(nodeSelector, { pool: "gpu" });
    assert.ok(tolerations.some(({ key }) => key === "pool"));
    for (const { env = [] } of [...initContainers, ...containers]) {
      assert.ok(env.some(({ name }) => name === "HTTPS_PROXY"));
    }
  });

  test("an id that the class does not let a LocalModel have is never its own, however old it is", async () => {
    await applyClass("tenants", { modelIds: ["{namespace}/*"] });
    const aliases = ["team-b/llama"];
    await cluster.apply("squatter", { source, resources, className: "tenants", aliases });
    await cluster.until("squatter", "Ready", "False ClassForbidden");
    const stored = await cluster.model("squatter");
    assert.deepEqual(stored?.status?.refusedIds?.toSorted(), ["squatter", "team-b/llama"]);
    // A younger one of another class has the id.
    await cluster.apply("owner", { source, resources, modelId: "team-b/llama" });
    const [pod] = await cluster.podsWhen("owner", 1);
    assert.ok(pod);
    await cluster.serve(pod);
    const ready = await cluster.until("owner", "Ready", "True Ready");
    assert.match(ready.message, /^Answers as "team-b\/llama"/);
  });

  test("a quota cuts off what is scaled beyond it, and what is refused may still be scaled to nothing", async () => {
    await applyClass("few", { quota: { replicas: 2 } });
    await cluster.apply("scaled", { source, resources, className: "few" });
    const [pod] = await cluster.podsWhen("scaled", 1);
    assert.ok(pod);
    await cluster.serve(pod);
    await cluster.until("scaled", "Ready", "True Ready");
    await cluster.scale("scaled", 5);
    for (const one of await cluster.podsWhen("scaled", 2)) {
      if (one.metadata.uid !== pod.metadata.uid) await cluster.serve(one);
    }
    const said = await cluster.until("scaled", "Ready", "False QuotaExceeded");
    assert.match(said.message, /it has 2 of 5 replicas\. Meanwhile/);
    assert.equal((await cluster.deployment("scaled"))?.spec?.replicas, 2);
    await applyClass("few", { allowedNamespaces: ["elsewhere"] });
    await cluster.until("scaled", "Ready", "False ClassForbidden");
    await cluster.scale("scaled", 0);
    await eventually(async () => {
      await cluster.buryPods();
      assert.deepEqual(await cluster.pods("scaled"), []);
    });
  });

  test("a quota of devices, and one of their memory, cut off what is asked for beyond them", async () => {
    await applyClass("devices", { quota: { devices: 3, deviceMemory: "80Gi" } });
    const gpu = { count: 1, memory: "16Gi", requirement: "Preferred" as const };
    const spec = { source, resources, className: "devices" };
    await cluster.apply("devices-first", { ...spec, gpu: { ...gpu, count: 2 } });
    await cluster.podsWhen("devices-first", 1);
    await cluster.nextSecond();
    await cluster.apply("devices-second", { ...spec, gpu, replicas: 2 });
    await cluster.podsWhen("devices-second", 1);
    const devices = await cluster.until("devices-second", "Ready", "False QuotaExceeded");
    assert.match(devices.message, /devices/);
    assert.match(devices.message, /it has 1 of 2 replicas/);
    await cluster.delete("devices-second");
    await cluster.apply("devices-large", { ...spec, gpu: { ...gpu, memory: "60Gi" } });
    const large = await cluster.until("devices-large", "Ready", "False QuotaExceeded");
    assert.match(large.message, /memory/);
    assert.deepEqual(await cluster.pods("devices-large"), []);
  });

  test("a patch comes to the pods that serve, and one that takes what is the operator's is refused by its path", async () => {
    await patch({ containers: [{ name: "server", image: "other" }] });
    await cluster.apply("patched", { source, resources, className: "patched" });
    const refused = await cluster.until("patched", "Ready", "False ClassMissing");
    assert.match(refused.message, /podTemplatePatch\.spec\.containers\.server\.image belongs to/);
    assert.equal(await cluster.deployment("patched"), undefined);
    await patch({
      volumes: [{ name: "certificates", emptyDir: {} }],
      topologySpreadConstraints: null,
      containers: [
        { name: "server", volumeMounts: [{ name: "certificates", mountPath: "/certificates" }] },
        { name: "exporter", image: "exporter:1" },
      ],
    });
    const [pod] = await cluster.podsWhen("patched", 1);
    assert.ok(pod?.spec);
    const [server, exporter] = pod.spec.containers;
    assert.ok(server?.volumeMounts?.some(({ mountPath }) => mountPath === "/certificates"));
    assert.equal(exporter?.image, "exporter:1");
    assert.equal(pod.spec.topologySpreadConstraints, undefined);
    // What the API server itself does not take is told in its words.
    await patch({ shareProcessNamespaces: true });
    const unknown = await cluster.until("patched", "Ready", "False Rejected");
    assert.match(unknown.message, /shareProcessNamespaces/);
  });

  test("the class named default is everybody's who names none", async () => {
    await applyClass("default", { allowedNamespaces: ["elsewhere"] });
    await cluster.apply("plain", { source, resources });
    await cluster.until("plain", "Ready", "False ClassForbidden");
    await cluster.client.delete(LOCAL_MODEL_CLASSES, { name: "default" });
    await cluster.podsWhen("plain", 1);
    await eventually(async () => assert.ok(await cluster.deployment("plain")));
  });

  test("a definition refuses a class that is not one", async () => {
    const wrong = { allowedNamespaces: ["UPPER"] };
    await assert.rejects(applyClass("wrong", wrong), /allowedNamespaces/);
  });
});
