/**
 * What happens around the operator in a cluster's life: API servers that restart, networks that part, leaders
 * that die, CRDs that are upgraded. Serving goes on meanwhile, and afterwards everything is as it is asked for.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { customResourceDefinition } from "@localmodel/localmodel/cluster/crd.ts";
import { type LoadResult, loadModule } from "./harness/client-modules.ts";
import { run } from "../build/command.ts";
import { eventually } from "../support/eventually.ts";
import { type Kubectl, kubectlOf } from "./harness/kubectl.ts";
import { Scene, SYSTEM_NAMESPACE } from "./harness/scene.ts";

const PARTITION_MS = 60_000;
const OPERATOR = "app.kubernetes.io/component=operator";

suite("a model that is served", () => {
  let scene: Scene;
  let system: Kubectl;

  before(async () => {
    scene = await Scene.open("disturbances");
    system = kubectlOf(scene.cluster, SYSTEM_NAMESPACE);
    await scene.model("steady");
    await scene.untilReady("steady");
  });

  after(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  test("goes on answering while the API server restarts, and changes work afterwards", async () => {
    const [server] = scene.cluster.containers;
    const load = await scene.startInCluster(loadModule("steady", 2));
    await run("docker", ["exec", server ?? "", "pkill", "-KILL", "kube-apiserver"]);
    await eventually("the API server to be back", () => scene.kubectl("get", "--raw", "/readyz"));
    await scene.kubectl("scale", "localmodel/steady", "--replicas=2");
    await scene.untilReady("steady", 2);
    await scene.kubectl("scale", "localmodel/steady", "--replicas=1");
    await scene.untilReady("steady", 1);
    const { failures } = await load.finish<LoadResult>();
    assert.deepEqual(failures, []);
  });

  test("gets what was asked for while the operator was cut off for a minute", async () => {
    const [pod] = await operators();
    const node = pod?.spec.nodeName ?? "";
    // Before the Service's address is replaced by the server's, wherever that is.
    const rule = [
      "PREROUTING",
      "--source",
      pod?.status.podIP ?? "",
      "--protocol",
      "tcp",
      "--dport",
      "443",
      "--jump",
      "DROP",
    ];
    const iptables = (change: "--insert" | "--delete"): Promise<string> =>
      run("docker", ["exec", node, "iptables", "--table", "mangle", change, ...rule]);
    await iptables("--insert");
    const parted = Date.now();
    await scene.kubectl("scale", "localmodel/steady", "--replicas=2");
    const load = await scene.startInCluster(loadModule("steady", 2));
    await eventually("a minute to pass", () => assert.ok(Date.now() - parted > PARTITION_MS), {
      timeoutMs: 2 * PARTITION_MS,
    });
    const { failures } = await load.finish<LoadResult>();
    assert.deepEqual(failures, []);
    assert.equal(
      (await scene.pods("steady")).length,
      1,
      "who scaled it, with the operator cut off?",
    );
    await iptables("--delete");
    await scene.untilReady("steady", 2);
    await scene.kubectl("scale", "localmodel/steady", "--replicas=1");
    await scene.untilReady("steady", 1);
  });

  test("is looked after by the second operator when the first dies", async () => {
    await system("scale", "deployment/localmodel-operator", "--replicas=2");
    await system("rollout", "status", "deployment/localmodel-operator", "--timeout=120s");
    const first = await leader();
    const [dying] = (await operators()).filter(({ metadata }) => first.startsWith(metadata.name));
    assert.ok(dying, `the lease is held by ${first}, who is no operator`);
    await system("delete", "pod", dying.metadata.name, "--grace-period=0", "--force");
    await scene.model("after-failover");
    await eventually("another operator to lead", async () => {
      const holder = await leader();
      // Nobody for a moment: the first one may have had time to give the lease back.
      assert.ok(holder !== "" && holder !== first, `the lease is held by "${holder}"`);
    });
    await scene.untilReady("after-failover");
    await scene.kubectl("delete", "localmodel", "after-failover");
    await system("scale", "deployment/localmodel-operator", "--replicas=1");
  });

  test("keeps its pods when the CRD is upgraded under it", async () => {
    const pods = (await scene.pods("steady")).map(({ metadata }) => metadata.uid);
    const crd = structuredClone(customResourceDefinition());
    const schema = crd.spec.versions[0]?.schema.openAPIV3Schema as unknown as {
      properties: { spec: { properties: Record<string, object> } };
    };
    schema.properties.spec.properties["newer"] = { type: "string", maxLength: 64 };
    await scene.apply(crd);
    await eventually("the new field to be known", () =>
      scene
        .kubectl(
          "patch",
          "localmodel",
          "steady",
          "--type=merge",
          "--patch",
          '{"spec":{"newer":"x"}}',
          "--dry-run=server",
          "--output=jsonpath={.spec.newer}",
        )
        .then((value) => assert.equal(value, "x")),
    );
    await scene.kubectl("annotate", "localmodel", "steady", "example.com/touched=yes");
    await scene.apply(customResourceDefinition());
    await scene.untilReady("steady");
    assert.deepEqual(
      (await scene.pods("steady")).map(({ metadata }) => metadata.uid),
      pods,
    );
  });

  async function operators(): Promise<readonly OperatorPod[]> {
    const list = JSON.parse(await system("get", "pods", `--selector=${OPERATOR}`, "--output=json"));
    return (list as { items: OperatorPod[] }).items.filter(
      ({ metadata }) => metadata.deletionTimestamp === undefined,
    );
  }

  async function leader(): Promise<string> {
    return system(
      "get",
      "lease",
      "localmodel-operator",
      "--output=jsonpath={.spec.holderIdentity}",
    );
  }
});

type OperatorPod = {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: { readonly podIP?: string };
};
