/**
 * Who may connect to whom under the chart's network policies, asked of what Helm renders and of the labels that the
 * operator gives to models' pods.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { MODEL_SERVER_COMPONENT } from "@localmodel/localmodel/cluster/labels.ts";
import { FETCH_PORT, SERVER_PORT } from "@localmodel/localmodel/cluster/pod-layout.ts";
import { labelsOf } from "../../services/operator/objects/metadata.ts";
import { type Helm, helmIn } from "../support/helm.ts";
import { type NetworkPolicy, type Place, reaches } from "../support/network-reach.ts";
import {
  type ChartObject,
  deploymentsIn,
  objectsIn,
  renderedText,
  valuesFile,
} from "../support/rendered-chart.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";

const NAMESPACE = "localmodel";
const METRICS_PORT = 9090;
const identity = {
  name: "smollm2",
  namespace: "models",
  uid: "1",
  generation: 1,
  createdSeconds: 0,
  labels: {},
};
const model: Place = { namespace: "models", labels: labelsOf(identity, MODEL_SERVER_COMPONENT) };
const inspector: Place = { namespace: "models", labels: labelsOf(identity, "inspect") };
const stranger: Place = { namespace: "web", labels: { app: "shop" } };
const neighbour: Place = { namespace: "models", labels: { app: "shop" } };
const prometheus: Place = { namespace: "monitoring", labels: { app: "prometheus" } };
const internet: Place = { address: "203.0.113.7" };
const metadata: Place = { address: "169.254.169.254" };

suite("the chart's network policies", () => {
  let folder: TemporaryFolder;
  let helm: Helm;

  before(async () => {
    folder = await TemporaryFolder.create();
    helm = helmIn(folder);
  });

  after(async () => folder[Symbol.asyncDispose]());

  test("let the services reach models, and nobody else", async () => {
    const { policies, api, operator } = await installed({ watchNamespaces: ["models"] });
    const open = [
      [api, model, SERVER_PORT],
      [operator, model, SERVER_PORT],
      [operator, model, FETCH_PORT],
      [operator, inspector, FETCH_PORT],
      [stranger, api, 8080],
      [prometheus, api, METRICS_PORT],
      [prometheus, model, METRICS_PORT],
      [prometheus, operator, 8080],
    ] as const;
    const closed = [
      [stranger, model, SERVER_PORT],
      [neighbour, model, SERVER_PORT],
      [neighbour, inspector, FETCH_PORT],
      [model, model, SERVER_PORT],
      [model, api, 8080],
      [stranger, operator, 9999],
    ] as const;
    for (const [from, to, port] of open)
      assert.ok(reaches(policies, from, to, port), said(to, port));
    for (const [from, to, port] of closed)
      assert.ok(!reaches(policies, from, to, port), said(to, port));
  });

  test("let fetchers out to sources, and not to a cloud's metadata", async () => {
    const { policies, api } = await installed({ watchNamespaces: ["models"] });
    assert.ok(reaches(policies, model, internet, 443));
    assert.ok(reaches(policies, inspector, internet, 80));
    assert.ok(reaches(policies, model, { address: "2001:db8::1" }, 443));
    assert.ok(!reaches(policies, model, metadata, 80));
    assert.ok(!reaches(policies, model, internet, 22));
    assert.ok(reaches(policies, api, { address: "10.96.0.1" }, 443), "the API server");
    assert.ok(!reaches(policies, api, internet, 80));
  });

  test("with ports to fetch from taken away, let models out to nothing", async () => {
    const networkPolicy = { fetchPorts: [] };
    const { policies } = await installed({ watchNamespaces: ["models"], networkPolicy });
    for (const port of [80, 443]) assert.ok(!reaches(policies, model, internet, port));
  });

  test("keep strangers out where callers are named", async () => {
    const apiFrom = [
      { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "apps" } } },
    ];
    const metricsFrom = [
      { namespaceSelector: {}, podSelector: { matchLabels: { app: "prometheus" } } },
    ];
    const { policies, api, operator, tester } = await installed({
      networkPolicy: { modelNamespaces: ["models"], apiFrom, metricsFrom },
    });
    assert.ok(reaches(policies, { namespace: "apps", labels: {} }, api, 8080));
    assert.ok(reaches(policies, tester, api, 8080), "helm test");
    assert.ok(reaches(policies, prometheus, model, METRICS_PORT));
    assert.ok(!reaches(policies, stranger, api, 8080));
    for (const one of [api, model])
      assert.ok(!reaches(policies, stranger, one, METRICS_PORT), "metrics");
    assert.ok(!reaches(policies, stranger, operator, 8080), "metrics of the operator");
    assert.ok(reaches(policies, api, model, SERVER_PORT));
  });

  test("let telemetry out to its collector's port", async () => {
    const collector: Place = { namespace: "observability", labels: { app: "collector" } };
    const endpoint = "http://collector.observability.svc:4318";
    const { policies, api, operator } = await installed({
      watchNamespaces: ["models"],
      telemetry: { endpoint },
    });
    for (const one of [api, operator, model]) assert.ok(reaches(policies, one, collector, 4318));
  });

  test("let the API service out to Valkey's port, and nobody else", async () => {
    const cache: Place = { namespace: "data", labels: { app: "cache" } };
    const valkey = { url: "valkeys://cache.data.svc:6380", port: 6380 };
    const { policies, api, operator } = await installed({
      watchNamespaces: ["models"],
      api: { valkey },
    });
    assert.ok(reaches(policies, api, cache, 6380));
    for (const one of [operator, model]) assert.ok(!reaches(policies, one, cache, 6380));
    const without = await installed({ watchNamespaces: ["models"] });
    assert.ok(!reaches(without.policies, without.api, cache, 6379));
  });

  async function installed(values: object) {
    const flags = await valuesFile(folder, values);
    const objects = objectsIn(await renderedText(helm, NAMESPACE, flags));
    const [api, operator] = deploymentsIn(objects).map(({ spec }) =>
      inNamespace(spec?.template.metadata?.labels),
    );
    const tester = objects.find(({ kind }) => kind === "Pod");
    assert.ok(api !== undefined && operator !== undefined && tester !== undefined);
    return {
      policies: objects.filter(isPolicy) as unknown as readonly NetworkPolicy[],
      api,
      operator,
      tester: inNamespace(tester.metadata.labels),
    };
  }
});

function isPolicy({ kind }: ChartObject): boolean {
  return kind === "NetworkPolicy";
}

function inNamespace(labels: Readonly<Record<string, string>> = {}): Place {
  return { namespace: NAMESPACE, labels };
}

function said(to: Place, port: number): string {
  return `${JSON.stringify(to)} at ${port}`;
}
