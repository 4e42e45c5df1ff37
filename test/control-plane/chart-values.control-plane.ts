/**
 * Values of charts/localmodel in any combination: whatever Helm does not refuse, a real API server takes, with the
 * Prometheus operator's and the Gateway API's own definitions.
 */
import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { Client } from "@localmodel/kube/wire/client.ts";
import { NAMESPACES } from "@localmodel/kube/objects/core-resources.ts";
import { kubeconfigAccess } from "@localmodel/kube/access/kubeconfig.ts";
import { Transport } from "@localmodel/kube/wire/transport.ts";
import { API_CONFIG_VARIABLE, ApiConfig } from "@localmodel/localmodel/contracts/api-config.ts";
import {
  OPERATOR_CONFIG_VARIABLE,
  OperatorConfig,
} from "@localmodel/localmodel/contracts/operator-config.ts";
import fc from "fast-check";
import { type Group, isNothing } from "../../scripts/chart/value-tree.ts";
import { VALUES } from "../../scripts/chart/values.ts";
import { CHART_FEATURES, combined, NAMESPACE_OF_FEATURES } from "../support/chart-features.ts";
import { ControlPlane } from "../support/control-plane.ts";
import { CRDS } from "../support/crds.ts";
import { eventually } from "../support/eventually.ts";
import { CHART, type Helm, helmIn } from "../support/helm.ts";
import {
  deploymentsIn,
  environmentOf,
  objectsIn,
  renderedText,
  setting,
  valuesFile,
} from "../support/rendered-chart.ts";
import { createDefaultAccount, ServerDryRun } from "../support/server-dry-run.ts";
import { furtherDefinitions } from "./further-definitions.ts";

/** Null for all that are nothing by default. */
function nullsFor({ members }: Group): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(members).flatMap(([name, member]): [string, unknown][] => {
      if (member.is === "group") return [[name, nullsFor(member)]];
      return isNothing(member.byDefault) ? [[name, null]] : [];
    }),
  );
}

const COMBINATIONS = 25;
const OWN_LABELS = ["app.kubernetes.io/name", "app.kubernetes.io/instance", "helm.sh/chart"];

suite("the chart's values", () => {
  let plane: ControlPlane;
  let transport: Transport;
  let dryRun: ServerDryRun;
  let helm: Helm;

  before(async () => {
    plane = await ControlPlane.start();
    transport = new Transport(kubeconfigAccess(plane.kubeconfig));
    const client = new Client(transport, { fieldManager: "chart-test" });
    for (const name of [NAMESPACE_OF_FEATURES, "elsewhere"])
      await client.create(NAMESPACES, { metadata: { name } });
    for (const name of [NAMESPACE_OF_FEATURES, "elsewhere"])
      await createDefaultAccount(client, name);
    const definitions = await furtherDefinitions(
      "github.com/prometheus-operator/prometheus-operator",
      "sigs.k8s.io/gateway-api",
    );
    for (const definition of definitions) await client.create(CRDS, definition);
    dryRun = new ServerDryRun(transport);
    helm = helmIn(plane.folder, plane.kubeconfig);
    const known = ["monitoring.coreos.com", "gateway.networking.k8s.io"];
    for (const group of known)
      await eventually(`${group} to be there`, async () => {
        await transport.json({ method: "GET", path: `/apis/${group}/v1` });
      });
  });

  after(async () => {
    await transport?.[Symbol.asyncDispose]();
    await plane?.[Symbol.asyncDispose]();
  });

  const features = Object.keys(CHART_FEATURES);

  test("all of them at once make objects that the API server takes", async () => {
    await holds(features);
  });

  test("any of them together make objects that the API server takes", async () => {
    const some = fc.shuffledSubarray(features, { minLength: 1 });
    await fc.assert(fc.asyncProperty(some, holds), { numRuns: COMBINATIONS, endOnFailure: true });
  });

  test("cannot take away the labels by which objects are found", async () => {
    const hostile = OWN_LABELS.map((name) => name.replaceAll(".", "\\."));
    const flags = setting(
      ...hostile.flatMap((name) => [`commonLabels.${name}=other`, `api.podLabels.${name}=other`]),
    );
    const objects = await rendered(flags);
    for (const { kind, metadata } of objects)
      assert.equal(metadata.labels?.["app.kubernetes.io/instance"], "localmodel", kind);
    for (const object of objects) await dryRun.accepts(object, NAMESPACE_OF_FEATURES);
  });

  test("can have everything called, labelled and put otherwise", async () => {
    const flags = setting(
      "nameOverride=llm",
      "namespaceOverride=elsewhere",
      "networkPolicy.enabled=true",
    );
    const text = await renderedText(helm, NAMESPACE_OF_FEATURES, flags);
    const objects = objectsIn(text);
    for (const { kind, metadata } of objects) {
      assert.equal(metadata.labels?.["app.kubernetes.io/name"], "llm", kind);
      assert.ok([undefined, "elsewhere"].includes(metadata.namespace), kind);
    }
    assert.deepEqual(
      deploymentsIn(objects).map(({ metadata }) => metadata.name),
      ["localmodel-llm-api", "localmodel-llm-operator"],
    );
    const { demand, leaderElection } = JSON.parse(
      environmentOf(objects)[OPERATOR_CONFIG_VARIABLE] ?? "",
    ) as { demand: { namespace: string }; leaderElection: { namespace: string } };
    assert.deepEqual([demand.namespace, leaderElection.namespace], ["elsewhere", "elsewhere"]);
  });

  test("may be null where they are nothing anyway, in a chart of charts as well", async () => {
    const nulls = nullsFor(VALUES);
    assert.ok(JSON.stringify(nulls).split("null").length > 50);
    const plain = await renderedText(helm, NAMESPACE_OF_FEATURES, []);
    const erased = await valuesFile(plane.folder, nulls);
    assert.equal(await renderedText(helm, NAMESPACE_OF_FEATURES, erased), plain);

    const umbrella = plane.folder.file("umbrella");
    await mkdir(join(umbrella, "charts"), { recursive: true });
    await symlink(CHART, join(umbrella, "charts/localmodel"));
    await writeFile(
      join(umbrella, "Chart.yaml"),
      "apiVersion: v2\nname: umbrella\nversion: 1.0.0\n",
    );
    const flags = await valuesFile(plane.folder, { localmodel: nulls });
    const within = ["template", "localmodel", umbrella, "--namespace", NAMESPACE_OF_FEATURES];
    assert.deepEqual(objectsIn(await helm(...within, ...flags)), objectsIn(plain));
  });

  test("rendered twice are the same bytes, so that nothing but a change is a change", async () => {
    const flags = await valuesFile(plane.folder, combined(features));
    const first = await renderedText(helm, NAMESPACE_OF_FEATURES, flags);
    assert.equal(await renderedText(helm, NAMESPACE_OF_FEATURES, flags), first);
  });

  for (const release of ["1st", "with.dots", "a".repeat(53)]) {
    test(`with a release called ${release}, make names that the API server takes`, async () => {
      const flags = ["--namespace", NAMESPACE_OF_FEATURES];
      const text = await helm("template", release, CHART, ...flags);
      for (const object of objectsIn(text)) await dryRun.accepts(object, NAMESPACE_OF_FEATURES);
    });
  }

  async function holds(names: readonly string[]): Promise<void> {
    const objects = await rendered(await valuesFile(plane.folder, combined(names)));
    for (const object of objects) await dryRun.accepts(object, NAMESPACE_OF_FEATURES);
    const environment = environmentOf(objects);
    ApiConfig.parse(JSON.parse(environment[API_CONFIG_VARIABLE] ?? ""));
    OperatorConfig.parse(JSON.parse(environment[OPERATOR_CONFIG_VARIABLE] ?? ""));
  }

  async function rendered(flags: readonly string[]) {
    return objectsIn(await renderedText(helm, NAMESPACE_OF_FEATURES, flags));
  }
});
