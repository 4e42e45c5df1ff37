/**
 * What the chart's components may do on a real API server, which answers for each right: what they need, nothing
 * beside it, and nothing outside the namespaces they are for.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { Client } from "@localmodel/kube/wire/client.ts";
import { NAMESPACES } from "@localmodel/kube/objects/core-resources.ts";
import { kubeconfigAccess } from "@localmodel/kube/access/kubeconfig.ts";
import { Transport } from "@localmodel/kube/wire/transport.ts";
import { ControlPlane } from "../support/control-plane.ts";
import { CHART, type Helm, helmIn } from "../support/helm.ts";
import { objectsIn, renderedText, setting } from "../support/rendered-chart.ts";

const NAMESPACE = "localmodel";
const CLUSTER_WIDE = new Set(["ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"]);

type Right = readonly [account: string, verb: string, group: string, resource: string];
const granted: readonly Right[] = [
  ["api", "watch", "localmodel.dev", "localmodels"],
  ["api", "watch", "discovery.k8s.io", "endpointslices"],
  ["operator", "watch", "localmodel.dev", "localmodels"],
  ["operator", "patch", "localmodel.dev", "localmodels/status"],
  ["operator", "patch", "apps", "deployments"],
  ["operator", "delete", "", "pods"],
  ["operator", "create", "events.k8s.io", "events"],
  ["operator", "list", "", "events"],
  ["operator", "get", "coordination.k8s.io", "leases"],
];
/** Of the whole cluster, where the operator is for all of it. */
const clusterWide: readonly Right[] = [
  ["operator", "get", "", "nodes"],
  ["operator", "list", "", "nodes"],
];
const withheld: readonly Right[] = [
  ["api", "get", "", "secrets"],
  ["api", "get", "", "pods"],
  ["api", "patch", "localmodel.dev", "localmodels"],
  ["operator", "get", "", "secrets"],
  ["operator", "watch", "", "nodes"],
  ["operator", "patch", "localmodel.dev", "localmodels"],
  ["operator", "create", "rbac.authorization.k8s.io", "roles"],
  ["operator", "create", "", "pods/exec"],
  ["operator", "update", "coordination.k8s.io", "leases"],
];

suite("the chart's rights", () => {
  let plane: ControlPlane;
  let transport: Transport;
  let helm: Helm;

  before(async () => {
    plane = await ControlPlane.start();
    transport = new Transport(kubeconfigAccess(plane.kubeconfig));
    const client = new Client(transport, { fieldManager: "chart-test" });
    helm = helmIn(plane.folder, plane.kubeconfig);
    for (const name of [NAMESPACE, "elsewhere"])
      await client.create(NAMESPACES, { metadata: { name } });
    await helm("install", "localmodel", CHART, "--namespace", NAMESPACE);
  });

  after(async () => {
    await transport?.[Symbol.asyncDispose]();
    await plane?.[Symbol.asyncDispose]();
  });

  for (const [rights, isAllowed] of [
    [[...granted, ...clusterWide], true],
    [withheld, false],
  ] as const) {
    for (const [account, verb, group, resource] of rights) {
      const what = `${verb} ${resource}${group === "" ? "" : `.${group}`}`;
      test(`${isAllowed ? "lets" : "does not let"} the ${account} ${what}`, async () => {
        const right = [account, verb, group, resource] as const;
        assert.equal(await isGranted(right, "elsewhere"), isAllowed);
      });
    }
  }

  test("lets the operator write its own lease, and no other one", async () => {
    const right = ["operator", "update", "coordination.k8s.io", "leases"] as const;
    assert.equal(await isGranted(right, NAMESPACE, "localmodel-operator"), true);
    assert.equal(await isGranted(right, NAMESPACE, "another"), false);
  });

  test("lets the operator make a Secret beside it, and read that one alone", async () => {
    const made = "localmodel-model-server-key";
    const create = ["operator", "create", "", "secrets"] as const;
    const get = ["operator", "get", "", "secrets"] as const;
    assert.equal(await isGranted(create, NAMESPACE), true);
    assert.equal(await isGranted(create, "elsewhere"), false);
    assert.equal(await isGranted(get, NAMESPACE, made), true);
    assert.equal(await isGranted(get, NAMESPACE), false);
    assert.equal(await isGranted(get, NAMESPACE, "another"), false);
  });

  test("with namespaces to watch, grants nothing anywhere else", async () => {
    const flags = ["--namespace", "elsewhere", "--set", "watchNamespaces={elsewhere}"];
    await helm("install", "narrow", CHART, ...flags, "--set", "crds.enabled=false");
    for (const [account, ...what] of granted) {
      const right = [`narrow-localmodel-${account}`, ...what] as const;
      assert.equal(await isGranted(right, "elsewhere", undefined, "elsewhere"), true, what.join());
      assert.equal(await isGranted(right, NAMESPACE, undefined, "elsewhere"), false, what.join());
    }
    for (const [account, ...what] of clusterWide) {
      const right = [`narrow-localmodel-${account}`, ...what] as const;
      assert.equal(await isGranted(right, "elsewhere", undefined, "elsewhere"), false, what.join());
    }
  });

  test("can be installed without any right on the whole cluster", async () => {
    const settings = ["watchNamespaces={elsewhere}", "crds.enabled=false", "rbac.aggregate=false"];
    const objects = objectsIn(await renderedText(helm, NAMESPACE, setting(...settings)));
    assert.deepEqual(
      objects.filter(({ kind = "" }) => CLUSTER_WIDE.has(kind)),
      [],
    );
  });

  test("lets the api read Secrets only for keys, and only those beside it", async () => {
    const right = ["keyed-localmodel-api", "list", "", "secrets"] as const;
    const flags = ["--namespace", "elsewhere", "--set", "api.config.keySecrets=true"];
    await helm("install", "keyed", CHART, ...flags, "--set", "crds.enabled=false");
    assert.equal(await isGranted(right, "elsewhere", undefined, "elsewhere"), true);
    assert.equal(await isGranted(right, NAMESPACE, undefined, "elsewhere"), false);
  });

  test("name what they are about: no rule has a wildcard, and none lets its owner have more", async () => {
    const text = await renderedText(helm, NAMESPACE, setting("api.config.keySecrets=true"));
    const rules = objectsIn(text).flatMap(({ rules: ofRole = [] }) => ofRole as readonly object[]);
    assert.ok(rules.length > 8);
    assert.doesNotMatch(JSON.stringify(rules), /\*|escalate|bind|impersonate/);
  });

  async function isGranted(
    [account, verb, group, resource]: Right,
    namespace: string,
    name?: string,
    home = NAMESPACE,
  ): Promise<boolean> {
    const fullName = account.includes("-") ? account : `localmodel-${account}`;
    const [plural = "", subresource = ""] = resource.split("/");
    const { status } = await transport.json<{ status: { allowed: boolean } }>({
      method: "POST",
      path: "/apis/authorization.k8s.io/v1/subjectaccessreviews",
      body: {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SubjectAccessReview",
        spec: {
          user: `system:serviceaccount:${home}:${fullName}`,
          resourceAttributes: { verb, group, resource: plural, subresource, namespace, name },
        },
      },
    });
    return status.allowed;
  }
});
