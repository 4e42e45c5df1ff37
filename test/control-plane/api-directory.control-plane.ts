/**
 * The API service's directory on a real API server and the real EndpointSlice controller, with the rights the
 * chart gives it.
 *
 * Pods have no node here; what a kubelet would report of them is written into their status.
 */
import assert from "node:assert/strict";
import { after, before, suite, test, type TestContext } from "node:test";
import { ClusterDirectory } from "../../services/api/directory/cluster/cluster-directory.ts";
import { Client } from "@localmodel/kube/wire/client.ts";
import type { ClusterAccess } from "@localmodel/kube/access/access.ts";
import { NAMESPACES } from "@localmodel/kube/objects/core-resources.ts";
import { kubeconfigAccess } from "@localmodel/kube/access/kubeconfig.ts";
import { silentLog } from "@localmodel/kube/log.ts";
import { Transport } from "@localmodel/kube/wire/transport.ts";
import { ControlPlane } from "../support/control-plane.ts";
import { CHART, helmIn } from "../support/helm.ts";
import { ModelPods } from "../support/model-pods.ts";

const HOME = "localmodel";
const NAMESPACE = "models";
const PATIENCE = { interval: 5, timeout: 30_000 };

suite("the directory on a real API server", () => {
  let plane: ControlPlane;
  let transport: Transport;
  let pods: ModelPods;
  let directory: ClusterDirectory;

  before(async () => {
    plane = await ControlPlane.start({ controllers: true });
    transport = new Transport(kubeconfigAccess(plane.kubeconfig));
    const client = new Client(transport, { fieldManager: "directory-test" });
    for (const name of [HOME, NAMESPACE]) await client.create(NAMESPACES, { metadata: { name } });
    pods = await ModelPods.on(client, NAMESPACE);
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
    await pods.makeModel("one");
    await pods.makePod("one", "10.9.0.1");
    await routed(t, "one", []);
    await pods.setReady("one", true);
    await routed(t, "one", ["http://10.9.0.1:8080"]);
    // It stays until a kubelet says that it has ended.
    await pods.deletePod("one");
    await routed(t, "one", []);
    await pods.deleteModel("one");
    await routed(t, "one", undefined);
  });

  test("while the API server is down the directory stays, and afterwards it goes on", async (t) => {
    await pods.makeModel("two");
    await pods.makePod("two", "10.9.0.2");
    await pods.setReady("two", true);
    await routed(t, "two", ["http://10.9.0.2:8080"]);
    await plane.killApiServer();
    assert.deepEqual(endpointsOf("two"), ["http://10.9.0.2:8080"]);
    assert.equal(directory.known, true);
    await plane.startApiServer();
    await pods.setReady("two", false);
    await routed(t, "two", []);
  });

  function endpointsOf(id: string): readonly string[] | undefined {
    return directory.current().models.find((model) => model.id === id)?.endpoints;
  }

  function routed(t: TestContext, id: string, expected: readonly string[] | undefined) {
    return t.waitFor(() => assert.deepEqual(endpointsOf(id), expected), PATIENCE);
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
