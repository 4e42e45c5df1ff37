/** From what an API server says to where a request goes, over real sockets on both sides. */
import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test, type TestContext } from "node:test";
import { ManualClock } from "@localmodel/kube/fixtures/manual-clock.ts";
import { endpointSlice, localModel, type Pod } from "../../fixtures/cluster-objects.ts";
import { chat, errorOf, startGateway } from "../../fixtures/gateway.ts";
import { ScriptedCluster, whileTimePasses } from "../../fixtures/scripted-cluster.ts";
import {
  answer,
  chunk,
  END,
  event,
  json,
  type Script,
  scriptedUpstream,
  SSE_HEAD,
} from "../../fixtures/scripted-upstream.ts";
import { ClusterDirectory } from "./cluster-directory.ts";

type Line = { readonly message: string; readonly object?: unknown };

async function setUp(t: TestContext, namespaces: readonly string[] = []) {
  const cluster = await ScriptedCluster.start();
  const clock = new ManualClock();
  const lines: Line[] = [];
  const write = (message: string, fields?: object) => void lines.push({ message, ...fields });
  const log = { debug: write, info: write, warn: write, error: write };
  const access = cluster.server.access();
  const directory = new ClusterDirectory(access, { namespaces, log, transport: { clock } });
  const gateway = await startGateway([], { directory });
  t.after(async () => {
    await gateway.close();
    await directory[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });
  const eventually = whileTimePasses(t, clock);
  const synced = () =>
    eventually(() => assert.ok(directory.known && cluster.openWatches === watchCount));
  const watchCount = 2 * Math.max(1, namespaces.length);
  const endpointsOf = (id: string) =>
    directory.current().models.find((model) => model.id === id)?.endpoints;
  return { cluster, directory, gateway, lines, eventually, synced, endpointsOf };
}

type Setup = Awaited<ReturnType<typeof setUp>>;

async function modelServer(t: TestContext, ...scripts: readonly Script[]) {
  const server = await scriptedUpstream(...(scripts.length > 0 ? scripts : [answer(OK)]));
  t.after(() => server.close());
  return server;
}

const OK = json({ ok: true });
const POD: Pod = { address: "127.0.0.1", uid: "pod" };

function slice(port: number, pods: readonly Pod[] = [POD], suffix = "a") {
  return endpointSlice("a", pods, { suffix, ports: [{ name: "http", port }] });
}

function seen({ endpointsOf, eventually }: Setup, expected: readonly string[] | undefined) {
  return eventually(() => assert.deepEqual(endpointsOf("a"), expected));
}

test("a pod is routed to once its slice says it is ready, and no longer when it terminates", async (t) => {
  const setup = await setUp(t);
  const { cluster, gateway } = setup;
  const server = await modelServer(t);
  await setup.synced();
  cluster.put("localmodels", localModel("a"));
  cluster.put("endpointslices", slice(server.port, [{ ...POD, ready: false }]));
  await seen(setup, []);
  assert.equal((await errorOf(await chat(gateway.url, { model: "a" }))).code, "model_loading");

  cluster.put("endpointslices", slice(server.port));
  await seen(setup, [server.url]);
  assert.equal((await chat(gateway.url, { model: "a" })).status, 200);

  cluster.put("endpointslices", slice(server.port, [{ ...POD, terminating: true }]));
  await seen(setup, []);
  assert.equal((await chat(gateway.url, { model: "a" })).status, 503);
});

test("a LocalModel that is deleted is not found", async (t) => {
  const setup = await setUp(t);
  const { cluster, gateway } = setup;
  const server = await modelServer(t);
  cluster.put("localmodels", localModel("a"));
  cluster.put("endpointslices", slice(server.port));
  await setup.synced();
  assert.equal((await chat(gateway.url, { model: "a" })).status, 200);
  cluster.remove("localmodels", localModel("a"));
  await seen(setup, undefined);
  const answered = await chat(gateway.url, { model: "a" });
  assert.equal(answered.status, 404);
  assert.equal((await errorOf(answered)).code, "model_not_found");
});

test("an id that two claim leads to the older, and to the younger once the older is gone", async (t) => {
  const setup = await setUp(t);
  const { cluster, directory } = setup;
  const older = localModel("z", { modelId: "x", createdAt: "2025-01-01T00:00:00Z" });
  cluster.put("localmodels", older);
  cluster.put("localmodels", localModel("a", { modelId: "x" }));
  cluster.put("endpointslices", slice(1));
  await setup.synced();
  const endpoints = () => directory.current().models.map((model) => [model.id, model.endpoints]);
  assert.deepEqual(endpoints(), [["x", []]]);
  cluster.remove("localmodels", older);
  await setup.eventually(() => assert.deepEqual(endpoints(), [["x", ["http://127.0.0.1:1"]]]));
});

test("the service is ready when everything has been listed once, and not before", async (t) => {
  const setup = await setUp(t);
  const { cluster, gateway } = setup;
  const script = cluster.server.script;
  cluster.server.script = (exchange) => exchange.status(503, "ServiceUnavailable");
  await setup.eventually(() => assert.ok(cluster.server.exchanges.length > 2));
  assert.equal((await fetch(`${gateway.url}/readyz`)).status, 503);
  const refused = await chat(gateway.url, { model: "a" });
  assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, "1"]);

  cluster.server.script = script;
  await setup.synced();
  assert.equal((await fetch(`${gateway.url}/readyz`)).status, 200);
});

test("while the API server is away its last word counts, and when it is back its new one", async (t) => {
  const setup = await setUp(t);
  const { cluster, gateway, lines } = setup;
  const server = await modelServer(t);
  cluster.put("localmodels", localModel("a"));
  cluster.put("endpointslices", slice(server.port));
  await setup.synced();
  const { port } = cluster.server;
  await cluster.server.stop();
  await setup.eventually(() =>
    assert.ok(lines.some(({ message }) => message.startsWith("lost track of endpointslices"))),
  );
  assert.equal((await chat(gateway.url, { model: "a" })).status, 200);
  assert.equal((await fetch(`${gateway.url}/readyz`)).status, 200);

  cluster.put("localmodels", localModel("a", { aliases: ["b"] }));
  cluster.cutWatches();
  await cluster.server.listen(port);
  await setup.eventually(() =>
    assert.deepEqual(setup.directory.current().models[0]?.aliases, ["b"]),
  );
});

test("what happens while a watch is cut is seen once it is back", async (t) => {
  const setup = await setUp(t);
  const { cluster } = setup;
  cluster.put("localmodels", localModel("a"));
  cluster.put("localmodels", localModel("b"));
  cluster.put("endpointslices", slice(1));
  await setup.synced();
  cluster.cutWatches();
  cluster.put("endpointslices", slice(2));
  cluster.remove("localmodels", localModel("b"));
  await seen(setup, ["http://127.0.0.1:2"]);
  await setup.eventually(() => assert.equal(setup.directory.current().models.length, 1));
});

test("only the namespaces it is told of are asked for", async (t) => {
  const setup = await setUp(t, ["models", "more"]);
  const { cluster, directory } = setup;
  for (const namespace of ["models", "more", "other"]) {
    cluster.put("localmodels", localModel(namespace, { namespace }));
  }
  await setup.synced();
  assert.deepEqual(
    directory.current().models.map(({ id }) => id),
    ["models", "more"],
  );
});

test("a LocalModel that cannot be read is left out with a line in the log", async (t) => {
  const setup = await setUp(t);
  const { cluster, directory, lines } = setup;
  cluster.put("localmodels", localModel("good"));
  cluster.put("localmodels", localModel("bad", { modelId: "../bad" }));
  await setup.synced();
  assert.deepEqual(
    directory.current().models.map(({ id }) => id),
    ["good"],
  );
  const said = lines.filter(({ message }) => message.includes("cannot be read"));
  assert.deepEqual(
    said.map(({ object }) => object),
    ["models/bad"],
  );
});

test("the directory is derived once for all changes since somebody asked", async (t) => {
  const setup = await setUp(t);
  cluster100(setup.cluster);
  await setup.synced();
  const { directory } = setup;
  const first = directory.current();
  await turn();
  assert.equal(directory.current(), first);
  setup.cluster.put("localmodels", localModel("a"));
  await seen(setup, []);
  assert.notEqual(directory.current(), first);
  assert.equal(directory.current(), directory.current());
});

function cluster100(cluster: ScriptedCluster): void {
  for (let i = 0; i < 100; i += 1) cluster.put("localmodels", localModel(`m${i}`));
}

test("a stream goes on when its pod leaves, and new requests go elsewhere", async (t) => {
  const setup = await setUp(t);
  const { cluster, gateway } = setup;
  const { promise: goOn, resolve } = Promise.withResolvers<void>();
  const old = await modelServer(t, async (socket) => {
    socket.write(SSE_HEAD + chunk(event("one")));
    await goOn;
    socket.write(chunk(event("two")) + chunk("data: [DONE]\n\n") + END);
  });
  const fresh = await modelServer(t);
  cluster.put("localmodels", localModel("a"));
  cluster.put("endpointslices", slice(old.port));
  await setup.synced();
  const stream = await chat(gateway.url, { model: "a", stream: true });

  cluster.put("endpointslices", slice(old.port, [{ ...POD, terminating: true }]));
  cluster.put("endpointslices", slice(fresh.port, [{ ...POD, uid: "new" }], "b"));
  await seen(setup, [fresh.url]);
  assert.deepEqual(await (await chat(gateway.url, { model: "a" })).json(), { ok: true });
  resolve();
  const text = await stream.text();
  assert.ok(text.includes("two") && text.endsWith("data: [DONE]\n\n"));
});

test("a pod that is gone before its slice says so costs the client nothing", async (t) => {
  const setup = await setUp(t);
  const { cluster, gateway } = setup;
  const [gone, good] = [await scriptedUpstream(), await modelServer(t)];
  await gone.close();
  cluster.put("localmodels", localModel("a"));
  cluster.put("endpointslices", slice(gone.port));
  cluster.put("endpointslices", slice(good.port, [{ ...POD, uid: "other" }], "b"));
  await setup.synced();
  for (let i = 0; i < 3; i += 1) {
    assert.equal((await chat(gateway.url, { model: "a" })).status, 200);
  }
});
