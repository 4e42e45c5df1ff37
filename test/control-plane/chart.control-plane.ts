/**
 * charts/localmodel with the real Helm on a real API server: what it installs, and what it says.
 */
import assert from "node:assert/strict";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { after, before, suite, test } from "node:test";
import { Client } from "@localmodel/kube/wire/client.ts";
import { DEPLOYMENTS, NAMESPACES } from "@localmodel/kube/objects/core-resources.ts";
import { kubeconfigAccess } from "@localmodel/kube/access/kubeconfig.ts";
import type { KubeObject } from "@localmodel/kube/objects/objects.ts";
import { Transport } from "@localmodel/kube/wire/transport.ts";
import { API_CONFIG_VARIABLE, ApiConfig } from "@localmodel/localmodel/contracts/api-config.ts";
import {
  OPERATOR_CONFIG_VARIABLE,
  OperatorConfig,
} from "@localmodel/localmodel/contracts/operator-config.ts";
import { parse } from "yaml";
import { ControlPlane } from "../support/control-plane.ts";
import { CHART, type Helm, helmIn } from "../support/helm.ts";
import {
  deploymentsIn,
  environmentOf,
  objectsIn,
  renderedText,
  setting,
} from "../support/rendered-chart.ts";
import { createDefaultAccount, ServerDryRun } from "../support/server-dry-run.ts";

const NAMESPACE = "localmodel";
const IMAGE = `sha256:${"0".repeat(64)}`;
/** As strict as Kubernetes can be. */
const RESTRICTED = { "pod-security.kubernetes.io/enforce": "restricted" };

const variants: Readonly<Record<string, readonly string[]>> = {
  "nothing set": [],
  "one namespace and no GPUs": [
    `watchNamespaces={${NAMESPACE}}`,
    "modelServer.images.cuda=null",
    "modelServer.images.cuda12=null",
    "modelServer.images.vulkan=null",
  ],
  "no rights and no CRD": [
    "rbac.create=false",
    "rbac.aggregate=false",
    "crds.enabled=false",
    "api.replicas=1",
  ],
};

suite("the chart", () => {
  let plane: ControlPlane;
  let transport: Transport;
  let client: Client;
  let dryRun: ServerDryRun;
  let helm: Helm;
  let notes: string;

  before(async () => {
    plane = await ControlPlane.start();
    transport = new Transport(kubeconfigAccess(plane.kubeconfig));
    client = new Client(transport, { fieldManager: "chart-test" });
    dryRun = new ServerDryRun(transport);
    helm = helmIn(plane.folder, plane.kubeconfig);
    await client.create(NAMESPACES, { metadata: { name: NAMESPACE, labels: RESTRICTED } });
    await client.create(NAMESPACES, { metadata: { name: "elsewhere" } });
    await createDefaultAccount(client, NAMESPACE);
    notes = await helm("install", "localmodel", CHART, "--namespace", NAMESPACE);
  });

  after(async () => {
    await transport?.[Symbol.asyncDispose]();
    await plane?.[Symbol.asyncDispose]();
  });

  for (const [name, settings] of Object.entries(variants)) {
    test(`with ${name}, passes helm's lint and makes objects that the API server takes`, async () => {
      const flags = setting(...settings);
      await helm("lint", "--strict", CHART, ...flags);
      for (const object of await rendered(flags)) await dryRun.accepts(object, NAMESPACE);
    });

    test(`with ${name}, gives components settings that they understand`, async () => {
      const flags = setting(...settings);
      const environment = environmentOf(await rendered(flags));
      ApiConfig.parse(JSON.parse(environment[API_CONFIG_VARIABLE] ?? ""));
      OperatorConfig.parse(JSON.parse(environment[OPERATOR_CONFIG_VARIABLE] ?? ""));
    });
  }

  test("takes images by digest, then by their own tag, then by the common one", async () => {
    assert.deepEqual(await images(), ["localmodel-api:0.1.0", "localmodel-operator:0.1.0"]);
    const all = ["image.registry=r.example", "image.tag=v1", "api.image.tag=v2"];
    const expected = ["r.example/localmodel-api:v2", `r.example/localmodel-operator@${IMAGE}`];
    assert.deepEqual(await images(...all, `operator.image.digest=${IMAGE}`), expected);
  });

  test("tells components of a collector in OpenTelemetry's own words, and of none by itself", async () => {
    assert.deepEqual(await telemetryWith(), []);
    const endpoint = "telemetry.endpoint=http://collector:4318";
    assert.deepEqual(
      Object.fromEntries(await telemetryWith(endpoint, "telemetry.samplerArgument=0.05")),
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318",
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
        OTEL_RESOURCE_ATTRIBUTES: `k8s.namespace.name=${NAMESPACE},k8s.pod.name=$(POD_NAME)`,
        OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
        OTEL_TRACES_SAMPLER_ARG: "0.05",
      },
    );
  });

  test("makes pods that the restricted policy admits", async () => {
    const objects = await rendered([]);
    const pods = objects.filter(({ kind }) => kind === "Pod");
    assert.deepEqual(
      pods.map(({ metadata }) => metadata.name),
      ["localmodel-test"],
    );
    for (const pod of pods) await dryRun.accepts(pod, NAMESPACE);
    for (const { spec, metadata } of deploymentsIn(objects)) {
      const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: metadata.name } };
      await transport.json({
        method: "POST",
        path: `/api/v1/namespaces/${NAMESPACE}/pods`,
        query: { dryRun: "All", fieldValidation: "Strict" },
        body: { ...pod, spec: spec?.template.spec },
      });
    }
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
    await dryRun.accepts(parse(document) as KubeObject, "default");
    assert.match(notes, /http:\/\/localmodel-api\.localmodel\.svc\/v1/);
  });

  test("warns whoever opens it to everybody, and nobody else", async () => {
    const warning = /WARNING: the API service can be reached from outside .* asks for no key/;
    assert.match(await notesWith("api.ingress.enabled=true"), warning);
    assert.match(await notesWith("api.service.type=LoadBalancer"), warning);
    assert.doesNotMatch(await notesWith(), warning);
    const keyed = await notesWith("api.ingress.enabled=true", "api.keys.existingSecret=mine");
    assert.doesNotMatch(keyed, warning);
    assert.match(keyed, /--header "authorization: Bearer \$KEY"/);
  });

  test("can be part of another chart, which decides whether it is there", async () => {
    const folder = plane.folder.file("umbrella");
    await mkdir(`${folder}/charts`, { recursive: true });
    await cp(CHART, `${folder}/charts/localmodel`, { recursive: true });
    const dependency = { name: "localmodel", version: ">=0.0.0", condition: "localmodel.enabled" };
    const chart = {
      apiVersion: "v2",
      name: "umbrella",
      version: "1.0.0",
      dependencies: [dependency],
    };
    await writeFile(`${folder}/Chart.yaml`, JSON.stringify(chart));
    const deployments = async (isEnabled: boolean) => {
      const flags = setting(`localmodel.enabled=${isEnabled}`, "localmodel.api.replicas=3");
      const text = await helm("template", "all", folder, ...flags);
      return deploymentsIn(objectsIn(text)).map(({ metadata }) => metadata.name);
    };
    assert.deepEqual(await deployments(true), ["all-localmodel-api", "all-localmodel-operator"]);
    assert.deepEqual(await deployments(false), []);
  });

  test("when it is uninstalled, leaves the definition and with it all models", async () => {
    await helm("uninstall", "localmodel", "--namespace", NAMESPACE);
    const { items } = await client.list({ resource: DEPLOYMENTS, namespace: NAMESPACE });
    assert.deepEqual(items, []);
    await transport.json({ method: "GET", path: "/apis/localmodel.dev/v1alpha1/localmodels" });
  });

  async function notesWith(...settings: readonly string[]): Promise<string> {
    const flags = ["--namespace", "elsewhere", "--dry-run=client", ...setting(...settings)];
    return helm("install", "opened", CHART, ...flags);
  }

  async function telemetryWith(...settings: readonly string[]) {
    const environment = environmentOf(await rendered(setting(...settings)));
    return Object.entries(environment).filter(([name]) => name.startsWith("OTEL_"));
  }

  async function images(...settings: readonly string[]) {
    const objects = await rendered(setting(...settings));
    return deploymentsIn(objects).map(({ spec }) => spec?.template.spec?.containers[0]?.image);
  }

  async function rendered(flags: readonly string[]) {
    return objectsIn(await renderedText(helm, NAMESPACE, flags));
  }
});
