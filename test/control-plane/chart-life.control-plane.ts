/**
 * A life of charts/localmodel, with the Helm that people have (4 or 3) and without any: installed, upgraded from a
 * chart with an older schema, rolled back, removed, and installed again. LocalModels live through all of it, unless
 * somebody says that they should not.
 */
import assert from "node:assert/strict";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { Client } from "@localmodel/kube/wire/client.ts";
import { DEPLOYMENTS, NAMESPACES } from "@localmodel/kube/objects/core-resources.ts";
import { kubeconfigAccess } from "@localmodel/kube/access/kubeconfig.ts";
import type { KubeObject } from "@localmodel/kube/objects/objects.ts";
import { defineResource } from "@localmodel/kube/objects/resource.ts";
import { Transport } from "@localmodel/kube/wire/transport.ts";
import { parse } from "yaml";
import { ControlPlane, KUBE_BIN_VARIABLE } from "../support/control-plane.ts";
import { CRDS } from "../support/crds.ts";
import { eventually } from "../support/eventually.ts";
import { CHART, type Helm, HELM_VARIABLE, helmIn } from "../support/helm.ts";
import { objectsIn, renderedText } from "../support/rendered-chart.ts";
import { buildTool } from "../build/binaries.ts";
import { run } from "../build/command.ts";

const NAMESPACE = "localmodel";
const CRD = "localmodels.localmodel.dev";
const EXAMPLE = join(import.meta.dirname, "../../examples/smollm2-135m-cluster.yaml");
const LOCAL_MODELS = defineResource<KubeObject>({
  group: "localmodel.dev",
  version: "v1alpha1",
  plural: "localmodels",
  kind: "LocalModel",
  namespaced: true,
});
/** A field that the older schema does not have, and no rule of it speaks of. */
const NEW_FIELD = "promptLogging";

const report = (line: string): void => console.error(line);
const helms: Readonly<Record<string, () => Promise<string>>> = {
  "Helm 4": async () => process.env[HELM_VARIABLE] ?? "helm",
  "Helm 3": async () => buildTool("helm3", report),
};

for (const [name, program] of Object.entries(helms)) {
  suite(`with ${name}, the chart`, () => {
    let plane: ControlPlane;
    let transport: Transport;
    let client: Client;
    let helm: Helm;
    let uid: string | undefined;

    before(async () => {
      plane = await ControlPlane.start();
      transport = new Transport(kubeconfigAccess(plane.kubeconfig));
      client = new Client(transport, { fieldManager: "chart-test" });
      helm = helmIn(plane.folder, plane.kubeconfig, await program());
      await client.create(NAMESPACES, { metadata: { name: NAMESPACE } });
    });

    after(async () => {
      await transport?.[Symbol.asyncDispose]();
      await plane?.[Symbol.asyncDispose]();
    });

    test("passes lint, and takes vendors' versions of Kubernetes but no older one", async () => {
      await helm("lint", "--strict", CHART);
      await helm("template", CHART, "--kube-version", "1.33.2-gke.100");
      await assert.rejects(helm("template", CHART, "--kube-version", "1.30.0"), /1\.31\.0/);
    });

    test("upgraded from one with an older schema, brings the new one and keeps LocalModels", async () => {
      await helm("install", "localmodel", await olderChart(), "--namespace", NAMESPACE);
      await eventually("the older schema to be served", createModel);
      assert.ok(!(NEW_FIELD in (await servedFields())));
      await helm("upgrade", "localmodel", CHART, "--namespace", NAMESPACE);
      assert.ok(NEW_FIELD in (await servedFields()));
      assert.equal(await modelUid(), uid);
    });

    test("rolled back, keeps LocalModels", async () => {
      await helm("rollback", "localmodel", "1", "--namespace", NAMESPACE);
      assert.equal(await modelUid(), uid);
      await helm("upgrade", "localmodel", CHART, "--namespace", NAMESPACE);
      assert.equal(await modelUid(), uid);
    });

    test("removed, leaves LocalModels and nothing else, and installed again takes over", async () => {
      await helm("uninstall", "localmodel", "--namespace", NAMESPACE);
      const { items } = await client.list({ resource: DEPLOYMENTS, namespace: NAMESPACE });
      assert.deepEqual(items, []);
      assert.equal(await modelUid(), uid);
      await helm("install", "localmodel", CHART, "--namespace", NAMESPACE);
      assert.equal(await modelUid(), uid);
    });

    test("told not to keep the definition, removes it and all LocalModels", async () => {
      const flags = ["--namespace", NAMESPACE, "--set", "crds.keep=false"];
      await helm("upgrade", "localmodel", CHART, ...flags);
      await helm("uninstall", "localmodel", "--namespace", NAMESPACE);
      await eventually("the definition to go", async () => {
        assert.equal(await client.get(CRDS, { name: CRD }), undefined);
      });
    });

    test("is installed by kubectl as well, and applying it again changes nothing", async () => {
      const text = await renderedText(helm, NAMESPACE, ["--set", "tests.enabled=false"]);
      assert.match(await applied(text), /deployment.apps\/localmodel-api serverside-applied/);
      const versions = await versionsOf(text);
      await applied(text);
      assert.deepEqual(await versionsOf(text), versions);
    });

    async function createModel(): Promise<void> {
      const model = parse(await readFile(EXAMPLE, "utf8")) as KubeObject;
      const metadata = { ...model.metadata, namespace: NAMESPACE };
      ({ uid } = (await client.create(LOCAL_MODELS, { ...model, metadata })).metadata);
    }

    async function modelUid(): Promise<string | undefined> {
      const { items } = await client.list({ resource: LOCAL_MODELS, namespace: NAMESPACE });
      return items[0]?.metadata.uid;
    }

    async function servedFields(): Promise<object> {
      return specFieldsOf(await client.get(CRDS, { name: CRD }));
    }

    /** As it may have been: this chart, with fewer fields. */
    async function olderChart(): Promise<string> {
      const folder = plane.folder.file("older-chart");
      await cp(CHART, folder, { recursive: true });
      const file = join(folder, "templates/crds.yaml");
      const text = await readFile(file, "utf8");
      const field = new RegExp(`^( +)${NEW_FIELD}:\\n(?:\\1 +.*\\n)+`, "m");
      assert.match(text, field);
      await writeFile(file, text.replace(field, ""));
      return folder;
    }

    async function applied(text: string): Promise<string> {
      const kubectl = join(process.env[KUBE_BIN_VARIABLE] ?? "", "kubectl");
      const flags = ["--kubeconfig", plane.kubeconfig, "--server-side", "--filename", "-"];
      return run(kubectl, ["apply", ...flags], { input: text });
    }

    async function versionsOf(text: string): Promise<readonly (string | undefined)[]> {
      const kubectl = join(process.env[KUBE_BIN_VARIABLE] ?? "", "kubectl");
      const flags = ["--kubeconfig", plane.kubeconfig, "--output", "json", "--filename", "-"];
      const list = JSON.parse(await run(kubectl, ["get", ...flags], { input: text })) as {
        items: readonly KubeObject[];
      };
      assert.equal(list.items.length, objectsIn(text).length);
      // The API server itself writes to the status of a definition.
      return list.items.map(({ kind, metadata }) =>
        kind === "CustomResourceDefinition"
          ? `${metadata.name} ${metadata.generation}`
          : `${kind} ${metadata.name} ${metadata.resourceVersion}`,
      );
    }
  });
}

type Definition = {
  readonly spec: {
    readonly versions: readonly {
      readonly schema: {
        readonly openAPIV3Schema: {
          readonly properties: { readonly spec: { readonly properties: object } };
        };
      };
    }[];
  };
};

function specFieldsOf(definition: unknown): object {
  const [version] = (definition as Definition).spec.versions;
  return version?.schema.openAPIV3Schema.properties.spec.properties ?? {};
}
