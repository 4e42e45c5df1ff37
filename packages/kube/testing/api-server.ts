/**
 * What the other tests tell their servers to do, asked of a real API server.
 *
 * Not part of `npm test`: `LOCALMODEL_TEST_KUBECONFIG=FILE node --test packages/kube/testing/api-server.ts` runs it
 * against a cluster that may be written to; everything happens in a
 * namespace of its own, which is deleted at the end.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, suite, test, type TestContext } from "node:test";
import { isAlreadyExists, isConflict, isVersionTooLarge } from "../api-errors.ts";
import { AppliedMemory } from "../applied-memory.ts";
import { Client } from "../client.ts";
import { CONFIG_MAPS, DEPLOYMENTS, NAMESPACES } from "../core-resources.ts";
import { Election } from "../election.ts";
import { EVENTS, referenceTo } from "../event.ts";
import { EventRecorder } from "../event-recorder.ts";
import { kubeconfigAccess } from "../kubeconfig.ts";
import { silentLog } from "../log.ts";
import { MetricRegistry } from "@localmodel/telemetry/metrics.ts";
import type { KubeObject } from "../objects.ts";
import { Reflector } from "../reflector.ts";
import { defineResource } from "../resource.ts";
import { Transport } from "../transport.ts";
import { watch } from "../watch.ts";

const KUBECONFIG = process.env["LOCALMODEL_TEST_KUBECONFIG"] ?? "";
if (KUBECONFIG === "") throw new Error("LOCALMODEL_TEST_KUBECONFIG must name a kubeconfig file");
const PATIENCE = { interval: 20, timeout: 30_000 };

type NetworkPolicy = KubeObject & { readonly spec?: object };
const NETWORK_POLICIES = defineResource<NetworkPolicy>({
  group: "networking.k8s.io",
  version: "v1",
  plural: "networkpolicies",
  kind: "NetworkPolicy",
  namespaced: true,
});

const podTemplate = {
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "web", image: "registry.example/none" }] },
};
const deploymentSpec = {
  replicas: 1,
  selector: { matchLabels: { app: "web" } },
  template: podTemplate,
};

suite("on a real API server", () => {
  const namespace = `kube-test-${randomBytes(4).toString("hex")}`;
  let transport: Transport;
  let client: Client;

  before(async () => {
    transport = new Transport(kubeconfigAccess(KUBECONFIG));
    client = new Client(transport, { fieldManager: "kube-test" });
    await client.create(NAMESPACES, { metadata: { name: namespace } });
  });

  after(async () => {
    await client.delete(NAMESPACES, { name: namespace });
    await transport[Symbol.asyncDispose]();
  });

  const named = (name: string) => ({ namespace, name });
  const configMap = (name: string, data: Record<string, string>) => ({
    metadata: named(name),
    data,
  });

  test("applying the same again changes nothing, and leaving a field out removes it", async () => {
    const first = await client.apply(CONFIG_MAPS, configMap("applied", { a: "1", b: "2" }));
    const second = await client.apply(CONFIG_MAPS, configMap("applied", { a: "1", b: "2" }));
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
    const third = await client.apply(CONFIG_MAPS, configMap("applied", { a: "1" }));
    assert.deepEqual(third.data, { a: "1" });
  });

  test("an unknown field is refused, not dropped", async () => {
    const misspelt = { metadata: named("strict"), dta: { a: "1" } };
    await assert.rejects(client.apply(CONFIG_MAPS, misspelt), /dta/);
    assert.equal(await client.get(CONFIG_MAPS, named("strict")), undefined);
  });

  test("names that generated clients lose arrive", async () => {
    const ingress = [{ from: [{ podSelector: { matchLabels: { app: "api" } } }] }];
    const spec = { podSelector: {}, policyTypes: ["Ingress"], ingress };
    await client.apply(NETWORK_POLICIES, { metadata: named("closed"), spec });
    const read = await client.get(NETWORK_POLICIES, named("closed"));
    assert.deepEqual(read?.spec, spec);
  });

  test("refusals have the reasons that the code looks for", async () => {
    const made = await client.create(CONFIG_MAPS, configMap("errors", {}));
    const again = client.create(CONFIG_MAPS, configMap("errors", {}));
    await assert.rejects(again, (error) => isAlreadyExists(error));
    await client.replace(CONFIG_MAPS, { ...made, data: { a: "1" } });
    await assert.rejects(client.replace(CONFIG_MAPS, made), (error) => isConflict(error));
    const otherLife = client.delete(CONFIG_MAPS, named("errors"), { uid: "another" });
    await assert.rejects(otherLife, (error) => isConflict(error));
    assert.equal(await client.delete(CONFIG_MAPS, named("errors")), true);
    assert.equal(await client.delete(CONFIG_MAPS, named("errors")), false);
    const scope = { resource: CONFIG_MAPS, namespace };
    const future = client.list(scope, { resourceVersion: "999999999999", retry: false });
    await assert.rejects(future, (error) => isVersionTooLarge(error));
  });

  test("a list of metadata leaves out what there is besides", async () => {
    await client.apply(CONFIG_MAPS, configMap("listed", { a: "1" }));
    const scope = { resource: CONFIG_MAPS, namespace, labelSelector: "!seen" };
    const { items } = await client.list(scope, { resourceVersion: "0", metadataOnly: true });
    const listed = items.find(({ metadata }) => metadata.name === "listed");
    assert.ok(listed !== undefined && !("data" in listed));
  });

  test("a status and a scale are written to their own subresources", async () => {
    await client.apply(DEPLOYMENTS, { metadata: named("web"), spec: deploymentSpec });
    const statusClient = client.with({ fieldManager: "kube-test-status" });
    const status = { observedGeneration: 1, unavailableReplicas: 1 };
    const reported = await statusClient.applyStatus(DEPLOYMENTS, {
      metadata: named("web"),
      status,
    });
    assert.equal(reported.metadata.generation, 1);
    assert.equal(reported.status?.unavailableReplicas, 1);
    const scale = { spec: { replicas: 3 } };
    await client.mergePatch(DEPLOYMENTS, named("web"), scale, { subresource: "scale" });
    assert.equal((await client.get(DEPLOYMENTS, named("web")))?.spec?.replicas, 3);
  });

  test("what was applied is known to be current until somebody changes it", async () => {
    const memory = new AppliedMemory();
    const wanted = { metadata: named("remembered"), spec: deploymentSpec };
    const applied = await client.apply(DEPLOYMENTS, wanted);
    memory.remember(DEPLOYMENTS, wanted, applied);
    const isCurrent = async () =>
      memory.isCurrent(DEPLOYMENTS, wanted, await client.get(DEPLOYMENTS, named("remembered")));
    assert.equal(await isCurrent(), true);
    const status = { observedGeneration: 1, unavailableReplicas: 1 };
    await client.applyStatus(DEPLOYMENTS, { metadata: named("remembered"), status });
    assert.equal(await isCurrent(), true);
    await client.mergePatch(DEPLOYMENTS, named("remembered"), { spec: { replicas: 2 } });
    assert.equal(await isCurrent(), false);
  });

  function startReflector(t: TestContext) {
    const reflector = new Reflector(
      transport,
      { resource: CONFIG_MAPS, namespace, labelSelector: "seen=yes" },
      { log: silentLog },
    );
    const stop = new AbortController();
    const running = reflector.run(stop.signal);
    t.after(async () => {
      stop.abort();
      await running;
    });
    return reflector;
  }

  test("a reflector sees what is written, and who wrote can wait for it", async (t) => {
    const reflector = startReflector(t);
    await reflector.synced;
    const told: string[] = [];
    reflector.cache.listen(({ type, object }) => told.push(`${type} ${object.data?.["a"]}`));
    const labels = { seen: "yes" };
    const write = async (a: string): Promise<void> => {
      const wanted = { metadata: { ...named("watched"), labels }, data: { a } };
      const { metadata } = await client.apply(CONFIG_MAPS, wanted);
      await reflector.cache.whenSeen(metadata.resourceVersion ?? "", AbortSignal.timeout(10_000));
      assert.equal(reflector.cache.get(`${namespace}/watched`)?.data?.["a"], a);
    };
    await write("1");
    await write("2");
    await client.delete(CONFIG_MAPS, named("watched"));
    await t.waitFor(() => assert.deepEqual(told, ["added 1", "updated 2", "deleted 2"]), PATIENCE);
  });

  test("a watch ends when it was asked to, after a bookmark", async () => {
    const scope = { resource: CONFIG_MAPS, namespace };
    const { resourceVersion } = await client.list(scope);
    const write = (a: string) => client.apply(CONFIG_MAPS, configMap("bookmarked", { a }));
    await write("1");
    const signal = AbortSignal.timeout(60_000);
    const types: string[] = [];
    for await (const { type } of watch(transport, scope, {
      resourceVersion,
      timeoutSeconds: 5,
      signal,
    })) {
      types.push(type);
      // Bookmarks are only sent where something has happened since the watch began.
      if (type === "ADDED") await write("2");
    }
    assert.deepEqual(types.slice(0, 3), ["ADDED", "MODIFIED", "BOOKMARK"]);
  });

  test("of two candidates one leads, and the other follows when the lease is given back", async (t) => {
    const candidates = ["one", "two"].map((identity) => {
      const options = { namespace, name: "lock", identity, log: silentLog };
      const times = { leaseMs: 3000, renewDeadlineMs: 2000, retryMs: 500 };
      const election = new Election(client, {
        ...options,
        ...times,
        metrics: new MetricRegistry(),
      });
      const stop = new AbortController();
      return { election, stop, ended: election.run(stop.signal) };
    });
    t.after(() => candidates.forEach(({ stop }) => stop.abort()));
    await Promise.race(candidates.map(({ election }) => election.elected));
    const leader = candidates.find(({ election }) => election.leadership.isHeld);
    const other = candidates.find((candidate) => candidate !== leader);
    assert.equal(other?.election.leadership.isHeld, false);
    leader?.stop.abort();
    await leader?.ended;
    await other?.election.elected;
    assert.equal(leader?.election.leadership.isHeld, false);
    other?.stop.abort();
    await other?.ended;
  });

  test("an event and its series are written", async (t) => {
    const reporter = { controller: "localmodel.dev/kube-test", instance: "test" };
    const recorder = new EventRecorder(client, { reporter, log: silentLog });
    const stop = new AbortController();
    const running = recorder.run(stop.signal);
    const regarding = referenceTo(await client.apply(CONFIG_MAPS, configMap("regarded", {})));
    const said = { type: "Warning", reason: "Tested", action: "Test", note: "as planned" } as const;
    for (let i = 0; i < 3; i += 1) recorder.record({ regarding, ...said });
    t.after(() => stop.abort());
    const events = async () => {
      const { items } = await client.list({ resource: EVENTS, namespace });
      return items.filter(({ reason }) => reason === said.reason);
    };
    await t.waitFor(async () => assert.equal((await events())[0]?.series?.count, 2), PATIENCE);
    stop.abort();
    await running;
    const [event, ...others] = await events();
    assert.equal(event?.series?.count, 3);
    assert.equal(event.note, "as planned");
    assert.deepEqual(others, []);
  });

  test("who is not known is refused, and told so", async (t) => {
    const access = kubeconfigAccess(KUBECONFIG);
    const stranger = new Transport({
      ...access,
      credentials: async () => {
        const { tls } = await access.credentials(false);
        const { cert: _cert, key: _key, ...authorities } = tls;
        return { headers: { authorization: "Bearer nobody" }, tls: authorities };
      },
    });
    t.after(() => stranger[Symbol.asyncDispose]());
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    await assert.rejects(stranger.json({ method: "GET", path }), { reason: "Unauthorized" });
  });
});
