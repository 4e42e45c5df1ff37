/**
 * The API service's directory on a real API server and the real EndpointSlice controller, with the rights the
 * chart gives it.
 *
 * Pods have no node here; what a kubelet would report of them is written into their status.
 */
import assert from "node:assert/strict";
import { after, before, suite, test, type TestContext } from "node:test";
import { ClusterDirectory } from "../../services/api/cluster/cluster-directory.ts";
import { Client } from "@localmodel/kube/client.ts";
import type { ClusterAccess } from "@localmodel/kube/cluster-access.ts";
import { NAMESPACES, NODES, PODS, SERVICES } from "@localmodel/kube/core-resources.ts";
import { kubeconfigAccess } from "@localmodel/kube/kubeconfig.ts";
import { silentLog } from "@localmodel/kube/log.ts";
import type { KubeObject } from "@localmodel/kube/objects.ts";
import { defineResource } from "@localmodel/kube/resource.ts";
import { Transport } from "@localmodel/kube/transport.ts";
import { PLURAL } from "@localmodel/localmodel/crd.ts";
import {
  COMPONENT_LABEL,
  MODEL_LABEL,
  objectName,
  selectorLabels,
} from "@localmodel/localmodel/labels.ts";
import { GROUP, KIND, VERSION } from "@localmodel/localmodel/localmodel.ts";
import { ControlPlane } from "../support/control-plane.ts";
import { CHART, helmIn } from "../support/helm.ts";

const HOME = "localmodel";
const NAMESPACE = "models";
const NODE = "node";
const PATIENCE = { interval: 5, timeout: 30_000 };

type LocalModelObject = KubeObject & { readonly spec?: unknown };
const LOCAL_MODELS = defineResource<LocalModelObject>({
  group: GROUP,
  version: VERSION,
  plural: PLURAL,
  kind: KIND,
  namespaced: true,
});

suite("the directory on a real API server", () => {
  let plane: ControlPlane;
  let transport: Transport;
  let client: Client;
  let directory: ClusterDirectory;

  before(async () => {
    plane = await ControlPlane.start({ controllers: true });
    transport = new Transport(kubeconfigAccess(plane.kubeconfig));
    client = new Client(transport, { fieldManager: "directory-test" });
    for (const name of [HOME, NAMESPACE]) await client.create(NAMESPACES, { metadata: { name } });
    // The controller leaves out pods whose node it does not know.
    await client.create(NODES, { metadata: { name: NODE } });
    const helm = helmIn(plane.folder, plane.kubeconfig);
    await helm("install", "localmodel", CHART, "--namespace", HOME, "--set", "api.replicas=0");
    const access = await accessOf("localmodel-api");
    directory = new ClusterDirectory(access, { namespaces: [], log: silentLog });
  });

  after(async () => {
    await directory?.[Symbol.asyncDispose]();
    await transport?.[Symbol.asyncDispose]();
    await plane?.[Symbol.asyncDispose]();
  });

  test("a pod is an endpoint from ready to terminating, and the model until it is deleted", async (t) => {
    await makeModel("one");
    await makePod("one", "10.9.0.1");
    await routed(t, "one", []);
    await setReady("one", true);
    await routed(t, "one", ["http://10.9.0.1:8080"]);
    // It stays until a kubelet says that it has ended.
    await client.delete(PODS, { namespace: NAMESPACE, name: "one" });
    await routed(t, "one", []);
    await client.delete(LOCAL_MODELS, { namespace: NAMESPACE, name: "one" });
    await routed(t, "one", undefined);
  });

  test("while the API server is down the directory stays, and afterwards it goes on", async (t) => {
    await makeModel("two");
    await makePod("two", "10.9.0.2");
    await setReady("two", true);
    await routed(t, "two", ["http://10.9.0.2:8080"]);
    await plane.killApiServer();
    assert.deepEqual(endpointsOf("two"), ["http://10.9.0.2:8080"]);
    assert.equal(directory.known, true);
    await plane.startApiServer();
    await setReady("two", false);
    await routed(t, "two", []);
  });

  function endpointsOf(id: string): readonly string[] | undefined {
    return directory.current().models.find((model) => model.id === id)?.endpoints;
  }

  function routed(t: TestContext, id: string, expected: readonly string[] | undefined) {
    return t.waitFor(() => assert.deepEqual(endpointsOf(id), expected), PATIENCE);
  }

  /** A LocalModel, and the Service that the operator makes for it. */
  async function makeModel(name: string): Promise<void> {
    const spec = { source: { http: { url: "http://files.example/model.gguf" } } };
    await client.create(LOCAL_MODELS, { metadata: { namespace: NAMESPACE, name }, spec });
    const labels = { [MODEL_LABEL]: name, [COMPONENT_LABEL]: "model-server" };
    await client.apply(SERVICES, {
      metadata: { namespace: NAMESPACE, name: objectName(name), labels },
      spec: {
        selector: selectorLabels(name),
        ports: [{ name: "http", port: 8080, targetPort: "http", protocol: "TCP" }],
      },
    });
  }

  async function makePod(name: string, address: string): Promise<void> {
    const ports = [{ name: "http", containerPort: 8080, protocol: "TCP" }];
    await client.apply(PODS, {
      metadata: { namespace: NAMESPACE, name, labels: selectorLabels(name) },
      spec: { nodeName: NODE, containers: [{ name: "server", image: "none.example/none", ports }] },
    });
    await status(name, { phase: "Running", podIP: address, podIPs: [{ ip: address }] });
  }

  function setReady(name: string, isReady: boolean): Promise<void> {
    const condition = { type: "Ready", status: isReady ? "True" : "False" };
    return status(name, { conditions: [condition] });
  }

  async function status(name: string, fields: object): Promise<void> {
    await client.mergePatch(
      PODS,
      { namespace: NAMESPACE, name },
      { status: fields },
      { subresource: "status" },
    );
  }

  /** As a pod of this account: with a token of its own, and nothing else. */
  async function accessOf(account: string): Promise<ClusterAccess> {
    const { status: issued } = await transport.json<{ status: { token: string } }>({
      method: "POST",
      path: `/api/v1/namespaces/${HOME}/serviceaccounts/${account}/token`,
      body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
    });
    const headers = { authorization: `Bearer ${issued.token}` };
    const credentials = async () => ({ headers, tls: { rejectUnauthorized: false } });
    return { server: plane.url, credentials };
  }
});
