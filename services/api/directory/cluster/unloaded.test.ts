/** What clients see of a model whose pods are there and have its weights not in memory, over real sockets on all sides. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { ManualClock } from "@localmodel/kube/fixtures/manual-clock.ts";
import { silentLog } from "@localmodel/kube/log.ts";
import { endpointSlice, localModel } from "../../fixtures/cluster-objects.ts";
import { chat, errorOf, startGateway } from "../../fixtures/gateway.ts";
import { bearer, key, ringOf } from "../../fixtures/keys.ts";
import { ScriptedCluster } from "../../fixtures/scripted-cluster.ts";
import { answer, json, upstream } from "../../fixtures/scripted-upstream.ts";
import { ASLEEP, sleepingServer } from "../../fixtures/sleeping-server.ts";
import { ClusterDirectory } from "./cluster-directory.ts";

const PATIENCE = { timeout: 20_000 };
const UNLOADS = { minReplicas: 0, sleep: "unload" };
const AWAKE = { state: "awake" } as const;
const LOADING = {
  state: "loading",
  message: "Waking: Loading the weights: 50 %",
  progress: 0.5,
} as const;

type Scene = {
  readonly ports: readonly number[];
  readonly scaling?: object;
  readonly options?: Parameters<typeof startGateway>[1];
};

async function setUp(t: TestContext, { ports, scaling = {}, options = {} }: Scene) {
  const cluster = await ScriptedCluster.start();
  const directory = new ClusterDirectory(cluster.server.access(), {
    namespaces: [],
    log: silentLog,
    transport: { clock: new ManualClock() },
  });
  const gateway = await startGateway([], { keepAliveMs: 20, ...options, directory });
  t.after(async () => {
    await gateway.close();
    await directory[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });
  const add = (name: string, port: number, node = "node-1"): void => {
    cluster.put("localmodels", localModel(name, { scaling: { ...UNLOADS, ...scaling } }));
    const pod = { address: "127.0.0.1", uid: `pod-${port}`, node };
    const fields = { suffix: String(port), ports: [{ name: "http", port }] };
    cluster.put("endpointslices", endpointSlice(name, [pod], fields));
  };
  for (const port of ports) add("m", port);
  const listed = (name = "m") =>
    directory.current().models.find(({ id }) => id === name) ?? assert.fail();
  const becomes = (state: string, name = "m") =>
    t.waitFor(() => assert.equal(listed(name).state, state), PATIENCE);
  return { url: gateway.url, add, listed, becomes };
}

test("a request for a model whose pod sleeps has it loaded, is told how far that is, and is answered", async (t) => {
  const server = await sleepingServer(t);
  const { url, becomes } = await setUp(t, { ports: [server.port] });
  await becomes("asleep");
  const { data } = (await (await fetch(`${url}/v1/models`)).json()) as { data: object[] };
  const [entry = {}] = data;
  assert.deepEqual(
    { ...entry, created: 0, owned_by: "" },
    { ...entry, created: 0, owned_by: "", state: "asleep", message: "Nobody uses it." },
  );
  assert.equal(server.loads.length, 0);

  const { body } = await chat(url, { model: "m", stream: true });
  const reader = (body ?? assert.fail()).pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const until = async (told: string): Promise<void> => {
    while (!text.includes(told)) text += (await reader.read()).value ?? assert.fail(text);
  };
  await until(": the model is asleep: Nobody uses it.");
  await t.waitFor(() => assert.equal(server.loads.length, 1), PATIENCE);
  server.become(LOADING);
  await until(": the model is loading 50 %: Waking");
  assert.equal(server.answered(), 0);
  server.become(AWAKE);
  await until('"ok":true');
  server.become(ASLEEP);
  await becomes("asleep");
  assert.equal(server.loads.length, 1);
});

test("who does not want to wait is refused with a time to come again, and the pod is woken all the same", async (t) => {
  const server = await sleepingServer(t);
  const { url, becomes } = await setUp(t, { ports: [server.port] });
  await becomes("asleep");
  const headers = { "x-localmodel-wait": "no" };
  const refused = await chat(url, { model: "m" }, { headers });
  assert.equal(refused.status, 503);
  assert.ok(Number(refused.headers.get("retry-after")) > 0);
  assert.equal((await errorOf(refused)).code, "model_loading");
  await t.waitFor(() => assert.equal(server.loads.length, 1), PATIENCE);
  server.become(AWAKE);
  await becomes("ready");
  assert.equal((await chat(url, { model: "m" }, { headers })).status, 200);
});

test("who waits for a pod that sleeps waits no longer than activationTimeoutSeconds", async (t) => {
  const server = await sleepingServer(t);
  const scaling = { activationTimeoutSeconds: 1 };
  const { url, becomes } = await setUp(t, { ports: [server.port], scaling });
  await becomes("asleep");
  const refused = await chat(url, { model: "m" });
  assert.equal(refused.status, 503);
  assert.match((await errorOf(refused)).message, /asleep/);
  assert.equal(server.answered(), 0);
});

test("requests that a pod is woken for count as held: beyond maxHeldRequests they are refused", async (t) => {
  const server = await sleepingServer(t);
  const one = key("one");
  const options = { maxHeldRequests: 2, keys: ringOf(one) };
  const { url, becomes } = await setUp(t, { ports: [server.port], options });
  await becomes("asleep");
  const ask = () => chat(url, { model: "m" }, { headers: bearer("one") });
  const three = [ask(), ask(), ask()];
  const first = await Promise.race(three);
  assert.equal(first.status, 429);
  server.become(AWAKE);
  const statuses = (await Promise.all(three)).map(({ status }) => status);
  assert.deepEqual(
    statuses.toSorted((a, b) => a - b),
    [200, 200, 429],
  );
});

test("of several pods that sleep one is woken, and another one only where the first cannot be", async (t) => {
  const servers = [await sleepingServer(t), await sleepingServer(t)];
  const { url, becomes, listed } = await setUp(t, { ports: servers.map(({ port }) => port) });
  await becomes("asleep");
  const asking = chat(url, { model: "m" });
  const loads = () => servers.map((server) => server.loads.length);
  const sum = () => loads().reduce((all, one) => all + one);
  await t.waitFor(() => assert.equal(sum(), 1), PATIENCE);
  const first = servers.find((server) => server.loads.length === 1) ?? assert.fail();
  const other = servers.find((server) => server !== first) ?? assert.fail();
  (first.loads[0] ?? assert.fail()).writeHead(503).end();
  await t.waitFor(() => assert.deepEqual(loads(), [1, 1]), PATIENCE);
  other.become(AWAKE);
  assert.equal((await asking).status, 200);
  assert.deepEqual(listed().endpoints, [other.url]);
  assert.equal(first.answered(), 0);
});

const FULL = {
  state: "asleep",
  message: "The weights need 4 GiB, and 1 GiB are free",
  reason: "VramTooSmall",
} as const;

test("a pod whose device others hold is tried again until it loads, and who waits is told why", async (t) => {
  const server = await sleepingServer(t);
  server.refuseWith(FULL);
  const { url, becomes, listed } = await setUp(t, { ports: [server.port] });
  await becomes("asleep");
  const { body } = await chat(url, { model: "m", stream: true });
  const reader = (body ?? assert.fail()).pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const until = async (told: string): Promise<void> => {
    while (!text.includes(told)) text += (await reader.read()).value ?? assert.fail(text);
  };
  await until(": the model is asleep: The weights need 4 GiB, and 1 GiB are free");
  assert.equal(listed().reason, "VramTooSmall");
  await t.waitFor(() => assert.ok(server.loads.length >= 2), PATIENCE);
  server.refuseWith(undefined);
  const before = server.loads.length;
  await t.waitFor(() => assert.ok(server.loads.length > before), PATIENCE);
  server.become(AWAKE);
  await until('"ok":true');
});

test("an idle model on the same node makes room for one that cannot load, and no other does", async (t) => {
  const onDevice = { state: "awake", deviceBytes: 2 ** 30 } as const;
  const [lacking, idle, busy, beside, elsewhere] = [
    await sleepingServer(t, FULL),
    await sleepingServer(t, onDevice),
    await sleepingServer(t, onDevice),
    await sleepingServer(t, AWAKE),
    await sleepingServer(t, onDevice),
  ];
  lacking.refuseWith(FULL);
  busy.hold();
  const { url, add, becomes } = await setUp(t, { ports: [lacking.port] });
  add("idle", idle.port);
  add("busy", busy.port);
  add("beside", beside.port);
  add("elsewhere", elsewhere.port, "node-2");
  for (const name of ["idle", "busy", "beside", "elsewhere"]) await becomes("ready", name);
  await becomes("asleep");
  const leaving = new AbortController();
  const using = chat(url, { model: "busy" }, { signal: leaving.signal });
  await t.waitFor(() => assert.equal(busy.held(), 1), PATIENCE);

  const asking = chat(url, { model: "m" });
  await becomes("asleep", "idle");
  lacking.refuseWith(undefined);
  const before = lacking.loads.length;
  await t.waitFor(() => assert.ok(lacking.loads.length > before), PATIENCE);
  lacking.become(onDevice);
  assert.equal((await asking).status, 200);
  const asked = [idle, busy, beside, elsewhere].map((server) => server.unloads());
  assert.deepEqual(asked, [1, 0, 0, 0]);
  leaving.abort();
  await assert.rejects(using);
});

test("a server that does not say whether it sleeps is sent requests", async (t) => {
  const refusal = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
  const server = await upstream(t, (socket, { head }) => {
    socket.write(head.startsWith("GET /residence") ? refusal : json({ ok: true }));
  });
  const { url, becomes } = await setUp(t, { ports: [server.port] });
  await becomes("ready");
  assert.equal((await chat(url, { model: "m" })).status, 200);
});

test("pods of a model that stays loaded are not asked whether they sleep", async (t) => {
  const server = await upstream(t, answer(json({ ok: true })));
  const { url, becomes } = await setUp(t, { ports: [server.port], scaling: { minReplicas: 1 } });
  await becomes("ready");
  assert.equal((await chat(url, { model: "m" })).status, 200);
  assert.deepEqual(
    server.requests.map(({ head }) => head.split(" ")[0]),
    ["POST"],
  );
});
