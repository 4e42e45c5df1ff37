import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Client } from "./client.ts";
import { DEPLOYMENTS, type Deployment, NODES } from "../objects/core-resources.ts";
import { FaultServer, type Script } from "../fixtures/fault-server.ts";
import { Transport } from "./transport.ts";

const NAME = { namespace: "home", name: "web" };
const PATH = "/apis/apps/v1/namespaces/home/deployments/web";

async function setUp(
  t: TestContext,
  script: Script = (exchange) => exchange.json(exchange.received.body ?? {}),
) {
  const server = await FaultServer.start(script);
  const transport = new Transport(server.access());
  t.after(async () => {
    await transport[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  return { server, client: new Client(transport, { fieldManager: "tester" }) };
}

test("apply says what is wanted, as whom, by force, and strictly", async (t) => {
  const { server, client } = await setUp(t);
  const applied = await client.apply(DEPLOYMENTS, { metadata: NAME, spec: { replicas: 2 } });
  const expected = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: NAME,
    spec: { replicas: 2 },
  };
  assert.deepEqual(applied, expected);
  const [received] = server.received;
  assert.equal(received?.method, "PATCH");
  assert.equal(received.path, PATH);
  assert.equal(received.headers["content-type"], "application/apply-patch+yaml");
  assert.deepEqual(Object.fromEntries(received.query), {
    fieldManager: "tester",
    force: "true",
    fieldValidation: "Strict",
  });
});

test("a status is applied to its own subresource", async (t) => {
  const { server, client } = await setUp(t);
  await client.applyStatus(DEPLOYMENTS, { metadata: NAME, status: { readyReplicas: 1 } });
  assert.equal(server.received[0]?.path, `${PATH}/status`);
});

test("what was read from the server is not applied", async (t) => {
  const { server, client } = await setUp(t);
  const read = { metadata: { ...NAME, managedFields: [] } };
  await assert.rejects(client.apply(DEPLOYMENTS, read), /apply only what is wanted/);
  assert.equal(server.exchanges.length, 0);
});

test("a merge patch goes to the subresource it is meant for", async (t) => {
  const { server, client } = await setUp(t);
  await client.mergePatch(DEPLOYMENTS, NAME, { spec: { replicas: 0 } }, { subresource: "scale" });
  assert.equal(server.received[0]?.path, `${PATH}/scale`);
  assert.equal(server.received[0].headers["content-type"], "application/merge-patch+json");
});

test("what is not there is undefined to get and false to delete, and any other trouble an error", async (t) => {
  const { client } = await setUp(t, (exchange) =>
    exchange.received.path === PATH
      ? exchange.status(404, "NotFound")
      : exchange.status(403, "Forbidden"),
  );
  assert.equal(await client.get(DEPLOYMENTS, NAME), undefined);
  assert.equal(await client.delete(DEPLOYMENTS, NAME), false);
  await assert.rejects(client.get(NODES, { name: "one" }), { code: 403 });
  await assert.rejects(client.delete(NODES, { name: "one" }), { code: 403 });
});

test("a delete can insist on one life of the object", async (t) => {
  const { server, client } = await setUp(t);
  assert.equal(await client.delete(DEPLOYMENTS, NAME, { uid: "u-1" }), true);
  assert.deepEqual(server.received[0]?.body, {
    apiVersion: "v1",
    kind: "DeleteOptions",
    propagationPolicy: "Background",
    preconditions: { uid: "u-1" },
  });
});

test("create and replace send the object whole", async (t) => {
  const { server, client } = await setUp(t);
  const object: Deployment = { metadata: { ...NAME, resourceVersion: "7" } };
  await client.create(DEPLOYMENTS, object);
  await client.replace(DEPLOYMENTS, object);
  const sent = server.received.map(({ method, path, body }) => ({ method, path, body }));
  const body = { ...object, apiVersion: "apps/v1", kind: "Deployment" };
  assert.deepEqual(sent, [
    { method: "POST", path: "/apis/apps/v1/namespaces/home/deployments", body },
    { method: "PUT", path: PATH, body },
  ]);
});

test("names are encoded, and one that cannot be right is told before anything is sent", async (t) => {
  const { server, client } = await setUp(t);
  await client.get(NODES, { name: "../secrets?x" });
  assert.equal(server.received[0]?.path, "/api/v1/nodes/..%2Fsecrets%3Fx");
  await assert.rejects(
    client.get(DEPLOYMENTS, { name: "web" }),
    /in a namespace, and none was given/,
  );
  await assert.rejects(client.get(NODES, { name: "" }), /needs a name/);
  await assert.rejects(client.get(NODES, { namespace: "a", name: "b" }), /nodes have no namespace/);
  assert.equal(server.exchanges.length, 1);
});
