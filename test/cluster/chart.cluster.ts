/**
 * charts/localmodel with the real Helm on a real API server: what it installs, what it refuses, and what its
 * components may do there.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { Client } from "@localmodel/kube/client.ts";
import { DEPLOYMENTS, type Deployment, NAMESPACES } from "@localmodel/kube/core-resources.ts";
import { kubeconfigAccess } from "@localmodel/kube/kubeconfig.ts";
import type { KubeObject } from "@localmodel/kube/objects.ts";
import { Transport } from "@localmodel/kube/transport.ts";
import { API_CONFIG_VARIABLE, ApiConfig } from "@localmodel/localmodel/api-config.ts";
import {
  OPERATOR_CONFIG_VARIABLE,
  OperatorConfig,
} from "@localmodel/localmodel/operator-config.ts";
import { parse, parseAllDocuments } from "yaml";
import { ControlPlane } from "../support/control-plane.ts";
import { CHART, type Helm, helmIn } from "../support/helm.ts";

const NAMESPACE = "localmodel";
const IMAGE = `sha256:${"0".repeat(64)}`;
/** As strict as Kubernetes can be. */
const RESTRICTED = { "pod-security.kubernetes.io/enforce": "restricted" };

const variants: Readonly<Record<string, readonly string[]>> = {
  "nothing set": [],
  "one namespace and no GPUs": [
    `watchNamespaces={${NAMESPACE}}`,
    "modelServer.images.cuda=null",
    "modelServer.images.vulkan=null",
  ],
  "everything set": [
    "fullnameOverride=models",
    "image.registry=registry.example.com/localmodel/",
    "image.tag=1.2.3",
    "image.pullPolicy=Always",
    "imagePullSecrets[0].name=registry",
    "crds.keep=false",
    "operator.replicas=2",
    "operator.config.workers=8",
    "operator.config.leaderElection.leaseDurationMs=30000",
    `operator.image.digest=${IMAGE}`,
    "api.config.bodyMaxBytes=1048576",
    "api.config.keySecrets=true",
    "api.service.type=LoadBalancer",
    "api.service.annotations.a/b=c",
    "api.podDisruptionBudget.maxUnavailable=50%",
    "api.podAnnotations.a/b=c",
    "api.podLabels.team=search",
    "api.priorityClassName=system-cluster-critical",
    "api.nodeSelector.disk=fast",
    "api.tolerations[0].operator=Exists",
    "api.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].key=metadata.name",
    "api.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].operator=In",
    "api.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].values={one}",
    "api.serviceAccount.create=false",
    "api.serviceAccount.name=mine",
    "operator.serviceAccount.annotations.a/b=c",
  ],
  "no rights and no CRD": [
    "rbac.create=false",
    "rbac.aggregate=false",
    "crds.enabled=false",
    "api.replicas=1",
  ],
};

const refused: Readonly<Record<string, readonly [setting: string, complaint: RegExp]>> = {
  "a key that is misspelt": ["api.replica=3", /additional properties 'replica' not allowed/],
  "a setting of a component that is misspelt": ["api.config.bodyMaxByte=2048", /bodyMaxByte/],
  "a value of the wrong type": ["api.replicas=two", /got string, want integer/],
  "a digest that is none": ["api.image.digest=latest", /does not match pattern/],
};

type Right = readonly [account: string, verb: string, group: string, resource: string];
const granted: readonly Right[] = [
  ["api", "watch", "localmodel.dev", "localmodels"],
  ["api", "watch", "discovery.k8s.io", "endpointslices"],
  ["operator", "watch", "localmodel.dev", "localmodels"],
  ["operator", "patch", "localmodel.dev", "localmodels/status"],
  ["operator", "patch", "apps", "deployments"],
  ["operator", "delete", "", "pods"],
  ["operator", "create", "events.k8s.io", "events"],
];
const withheld: readonly Right[] = [
  ["api", "get", "", "secrets"],
  ["api", "get", "", "pods"],
  ["api", "patch", "localmodel.dev", "localmodels"],
  ["operator", "get", "", "secrets"],
  ["operator", "patch", "localmodel.dev", "localmodels"],
  ["operator", "create", "rbac.authorization.k8s.io", "roles"],
  ["operator", "create", "", "pods/exec"],
  ["operator", "update", "coordination.k8s.io", "leases"],
];

suite("the chart", () => {
  let plane: ControlPlane;
  let transport: Transport;
  let client: Client;
  let helm: Helm;
  let notes: string;

  before(async () => {
    plane = await ControlPlane.start();
    transport = new Transport(kubeconfigAccess(plane.kubeconfig));
    client = new Client(transport, { fieldManager: "chart-test" });
    helm = helmIn(plane.folder, plane.kubeconfig);
    await client.create(NAMESPACES, { metadata: { name: NAMESPACE, labels: RESTRICTED } });
    await client.create(NAMESPACES, { metadata: { name: "elsewhere" } });
    notes = await helm("install", "localmodel", CHART, "--namespace", NAMESPACE);
  });

  after(async () => {
    await transport?.[Symbol.asyncDispose]();
    await plane?.[Symbol.asyncDispose]();
  });

  for (const [name, settings] of Object.entries(variants)) {
    test(`with ${name}, passes helm's lint and makes objects that the API server takes`, async () => {
      const flags = settings.flatMap((setting) => ["--set", setting]);
      await helm("lint", "--strict", CHART, ...flags);
      for (const object of await rendered(flags)) await accepted(object);
    });

    test(`with ${name}, gives components settings that they understand`, async () => {
      const flags = settings.flatMap((setting) => ["--set", setting]);
      const environment = environmentOf(await rendered(flags));
      ApiConfig.parse(JSON.parse(environment[API_CONFIG_VARIABLE] ?? ""));
      OperatorConfig.parse(JSON.parse(environment[OPERATOR_CONFIG_VARIABLE] ?? ""));
    });
  }

  for (const [name, [setting, complaint]] of Object.entries(refused)) {
    test(`refuses ${name}`, async () => {
      await assert.rejects(helm("template", CHART, "--set", setting), complaint);
    });
  }

  test("takes images by digest, then by their own tag, then by the common one", async () => {
    assert.deepEqual(await images(), ["localmodel-api:0.1.0", "localmodel-operator:0.1.0"]);
    const all = ["image.registry=r.example", "image.tag=v1", "api.image.tag=v2"];
    const expected = ["r.example/localmodel-api:v2", `r.example/localmodel-operator@${IMAGE}`];
    assert.deepEqual(await images(...all, `operator.image.digest=${IMAGE}`), expected);
  });

  test("makes pods that the restricted policy admits", async () => {
    for (const { spec, metadata } of deploymentsIn(await rendered([]))) {
      const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: metadata.name } };
      await transport.json({
        method: "POST",
        path: `/api/v1/namespaces/${NAMESPACE}/pods`,
        query: { dryRun: "All", fieldValidation: "Strict" },
        body: { ...pod, spec: spec?.template.spec },
      });
    }
  });

  for (const [rights, isAllowed] of [
    [granted, true],
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

  test("with namespaces to watch, grants nothing anywhere else", async () => {
    const flags = ["--namespace", "elsewhere", "--set", "watchNamespaces={elsewhere}"];
    await helm("install", "narrow", CHART, ...flags, "--set", "crds.enabled=false");
    for (const [account, ...what] of granted) {
      const right = [`narrow-localmodel-${account}`, ...what] as const;
      assert.equal(await isGranted(right, "elsewhere", undefined, "elsewhere"), true, what.join());
      assert.equal(await isGranted(right, NAMESPACE, undefined, "elsewhere"), false, what.join());
    }
  });

  test("can be installed without any right on the whole cluster", async () => {
    const settings = ["watchNamespaces={elsewhere}", "crds.enabled=false", "rbac.aggregate=false"];
    const objects = await rendered(settings.flatMap((setting) => ["--set", setting]));
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

  test("installed anew over itself, changes nothing that would restart a pod", async () => {
    await helm("upgrade", "localmodel", CHART, "--namespace", NAMESPACE);
    for (const { metadata } of (await client.list({ resource: DEPLOYMENTS, namespace: NAMESPACE }))
      .items) {
      assert.equal(metadata.generation, 1, metadata.name);
    }
  });

  test("tells of a model that can be applied as it is written there", async () => {
    const [, document = ""] = /<<'EOF'\n(.*?)\nEOF\n/s.exec(notes) ?? [];
    await accepted(parse(document) as KubeObject, "default");
    assert.match(notes, /http:\/\/localmodel-api\.localmodel\.svc\/v1/);
  });

  test("when it is uninstalled, leaves the definition and with it all models", async () => {
    await helm("uninstall", "localmodel", "--namespace", NAMESPACE);
    const { items } = await client.list({ resource: DEPLOYMENTS, namespace: NAMESPACE });
    assert.deepEqual(items, []);
    await transport.json({ method: "GET", path: "/apis/localmodel.dev/v1alpha1/localmodels" });
  });

  async function images(...settings: readonly string[]) {
    const objects = await rendered(settings.flatMap((setting) => ["--set", setting]));
    return deploymentsIn(objects).map(({ spec }) => spec?.template.spec?.containers[0]?.image);
  }

  async function rendered(flags: readonly string[]): Promise<readonly KubeObject[]> {
    const text = await helm("template", "localmodel", CHART, "--namespace", NAMESPACE, ...flags);
    return parseAllDocuments(text).flatMap((document) => {
      assert.deepEqual(document.errors, []);
      const object = document.toJS() as KubeObject | null;
      return object === null ? [] : [object];
    });
  }

  /** Fails with the API server's words, which check every field. */
  async function accepted(object: KubeObject, namespace = NAMESPACE): Promise<void> {
    const { apiVersion = "", kind = "", metadata } = object;
    const resource = `${kind.toLowerCase()}s`;
    const scope = CLUSTER_WIDE.has(kind) ? "" : `/namespaces/${metadata.namespace ?? namespace}`;
    const root = apiVersion.includes("/") ? "/apis" : "/api";
    await transport.json({
      method: "PATCH",
      path: `${root}/${apiVersion}${scope}/${resource}/${metadata.name}`,
      query: { dryRun: "All", fieldManager: "dry", force: true, fieldValidation: "Strict" },
      body: object,
      contentType: "application/apply-patch+yaml",
    });
  }

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

const CLUSTER_WIDE = new Set(["ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"]);

function deploymentsIn(objects: readonly KubeObject[]): readonly Deployment[] {
  const found = objects.filter(({ kind }) => kind === "Deployment") as readonly Deployment[];
  return found.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

function environmentOf(objects: readonly KubeObject[]): Readonly<Record<string, string>> {
  const variables = deploymentsIn(objects).flatMap(
    ({ spec }) => spec?.template.spec?.containers[0]?.env ?? [],
  );
  return Object.fromEntries(variables.map(({ name, value = "" }) => [name, value]));
}
