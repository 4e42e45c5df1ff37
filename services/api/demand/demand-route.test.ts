/** What the operator hears of requests, over real sockets on all sides. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { test, type TestContext } from "node:test";
import {
  DEMAND_PATH,
  type DemandPicture,
  parseDemandPicture,
} from "@localmodel/localmodel/contracts/demand.ts";
import { demandTokenFor } from "@localmodel/localmodel/contracts/server-key.ts";
import { linesOf } from "@localmodel/kube/wire/json-lines.ts";
import type { Directory, DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import { chat, gateway, model } from "../fixtures/gateway.ts";
import { answer, json, upstream } from "../fixtures/scripted-upstream.ts";
import { demandRoute } from "./demand-route.ts";
import { DemandFeed } from "./feed.ts";

const PATIENCE = { timeout: 30_000 };
const SLEEPS = { scales: true, activationTimeoutSeconds: 600, server: "a/m" };
const ASLEEP = model("m", { ...SLEEPS, state: "asleep", message: "It sleeps." });

async function setUp(
  t: TestContext,
  models: readonly DirectoryModel[],
  options: Partial<Parameters<typeof demandRoute>[1]> = {},
) {
  const feed = new DemandFeed("api-0");
  let directory: Directory = { models };
  const api = await gateway(t, [], {
    directory: { current: () => directory, known: true, sleep: feed },
    adminFromLoopback: true,
  });
  const aside = createServer(demandRoute(feed, { secrets: [], ...options }));
  await new Promise<void>((resolve) => aside.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    aside.closeAllConnections();
    aside.close();
  });
  const { port } = aside.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}${DEMAND_PATH}`;
  const setModels = (changed: readonly DirectoryModel[]) => (directory = { models: changed });
  return { api, feed, port, url, setModels, listener: () => listen(t, url) };
}

/** Everything that is told, as it comes. */
async function listen(t: TestContext, url: string) {
  const leaving = new AbortController();
  t.after(() => leaving.abort());
  const response = await fetch(url, { signal: leaving.signal });
  const pictures: DemandPicture[] = [];
  const ended = (async () => {
    for await (const line of linesOf(response.body ?? assert.fail())) {
      pictures.push(parseDemandPicture(line) ?? assert.fail(line));
    }
  })();
  // A test that hangs up ends it so.
  ended.catch(() => {});
  const until = (what: (picture: DemandPicture) => boolean) =>
    t.waitFor(() => pictures.find(what) ?? assert.fail(JSON.stringify(pictures)), PATIENCE);
  return { response, pictures, ended, until, hangUp: () => leaving.abort() };
}

const queued = (count: number) => (picture: DemandPicture) => picture.models[0]?.queued === count;

test("a request for a model that sleeps is told of, and that it has hung up", async (t) => {
  const { api, listener } = await setUp(t, [ASLEEP]);
  const { response, until } = await listener();
  assert.equal(response.headers.get("content-type"), "application/x-ndjson");
  const leaving = new AbortController();
  const asking = chat(api.url, { model: "m" }, { signal: leaving.signal });
  const { pod, models } = await until(queued(1));
  assert.equal(pod, "api-0");
  const [{ namespace, name, inFlight, servers } = assert.fail()] = models;
  assert.deepEqual([namespace, name, inFlight, servers], ["a", "m", 0, []]);
  leaving.abort();
  await assert.rejects(asking);
  await until((picture) => picture.models[0]?.queued === 0);
});

test("requests at servers are told by pod, adapters with their model", async (t) => {
  const releases: (() => void)[] = [];
  const server = await upstream(t, (socket) => {
    releases.push(
      () => void answer(json({ ok: true }))(socket, { head: "", body: Buffer.alloc(0) }),
    );
  });
  const awake = { endpoints: [server.url], pods: { [server.url]: "m-0" }, slots: 4 };
  const { api, listener } = await setUp(t, [
    model("m", { ...SLEEPS, ...awake }),
    model("tuned", { ...SLEEPS, ...awake, parent: "m" }),
    model("fixed", { endpoints: [server.url], server: "a/fixed" }),
  ]);
  const answers = ["m", "tuned", "fixed"].map((id) => chat(api.url, { model: id }));
  await t.waitFor(() => assert.equal(releases.length, 3), PATIENCE);
  const { until, pictures } = await listener();
  const [picture] = pictures.length > 0 ? pictures : [await until(() => true)];
  assert.equal(picture?.models[0]?.inFlight, 2);
  assert.deepEqual(picture.models[0]?.servers, [{ pod: "m-0", inFlight: 3 }]);
  for (const release of releases) release();
  for (const response of await Promise.all(answers)) assert.equal(response.status, 200);
  await until((one) => one.models[0]?.inFlight === 0 && one !== pictures[0]);
  for (const { models } of pictures) assert.ok(models.every(({ name }) => name === "m"));
});

test("whoever does not wait is told when to come again, and the model is asked for all the same", async (t) => {
  const { api, listener } = await setUp(t, [ASLEEP]);
  const { until } = await listener();
  const response = await chat(api.url, { model: "m" }, { headers: { "x-localmodel-wait": "no" } });
  assert.equal(response.status, 503);
  assert.ok(Number(response.headers.get("retry-after")) > 0);
  const picture = await until(({ models }) => models.length === 1);
  const [{ inFlight, queued: waiting, lastCameAtMs } = assert.fail()] = picture.models;
  assert.deepEqual([inFlight, waiting], [0, 0]);
  assert.ok(lastCameAtMs >= picture.startedAtMs);
});

test("why the weights of a model are in no pod's memory is told while they were to be there and are not", async (t) => {
  const sleepers = ["http://127.0.0.1:1"];
  const asleep = { ...ASLEEP, sleepers, reason: "Asleep" };
  const lacks = { ...asleep, reason: "VramTooSmall", message: "x".repeat(5000) };
  const { setModels, listener, api } = await setUp(t, [lacks]);
  const { until } = await listener();
  const { models } = await until(() => true);
  assert.equal(models[0]?.isUnloaded, true);
  assert.equal(models[0]?.lack?.reason, "VramTooSmall");
  assert.match(models[0]?.lack?.message ?? "", /^x{1000,}$/);
  setModels([asleep]);
  const headers = { "x-localmodel-wait": "no" };
  await chat(api.url, { model: "m" }, { headers });
  const later = await until(({ models: [one] }) => one !== undefined && one.lack === undefined);
  assert.equal(later.models[0]?.isUnloaded, true);
});

test("an administrator's wish for sleep is told, and void once somebody asks", async (t) => {
  const { api, listener, setModels } = await setUp(t, [ASLEEP]);
  const { until } = await listener();
  const headers = { "x-localmodel-wait": "no" };
  await chat(api.url, { model: "m" }, { headers });
  setModels([{ ...ASLEEP, state: "ready", endpoints: ["http://127.0.0.1:1"] }]);
  const asked = await fetch(`${api.url}/v1/models/m/unload`, { method: "POST" });
  assert.equal(asked.status, 202);
  const [{ sleepAskedAtMs = 0, lastCameAtMs } = assert.fail()] = (
    await until(({ models }) => models[0]?.sleepAskedAtMs !== undefined)
  ).models;
  assert.ok(sleepAskedAtMs >= lastCameAtMs);
});

test("only the token of the servers' secrets opens it", async (t) => {
  const { url } = await setUp(t, [ASLEEP], { secrets: ["new", "old"] });
  const status = async (authorization?: string) => {
    const leaving = new AbortController();
    const headers = authorization === undefined ? {} : { authorization };
    const response = await fetch(url, { headers, signal: leaving.signal });
    leaving.abort();
    return response.status;
  };
  for (const secret of ["new", "old"]) {
    assert.equal(await status(`Bearer ${demandTokenFor(secret)}`), 200);
  }
  for (const wrong of [undefined, "", "Bearer", "Bearer new", `Basic ${demandTokenFor("new")}`]) {
    assert.equal(await status(wrong), 401);
  }
  assert.equal((await fetch(url, { method: "POST" })).status, 405);
});

test("sixteen may listen; who hangs up makes room", async (t) => {
  const { feed, listener } = await setUp(t, []);
  const listeners = await Promise.all(Array.from({ length: 16 }, listener));
  const refused = await listener();
  assert.equal(refused.response.status, 503);
  listeners[0]?.hangUp();
  await t.waitFor(() => assert.equal(feed.listeners, 15), PATIENCE);
  assert.equal((await listener()).response.status, 200);
});

test("a listener that does not read is let go, and others hear on", async (t) => {
  const { feed, port, listener } = await setUp(t, [], { stalledMs: 300 });
  const never = { inFlight: 0, lastAskedAtMs: 0, lastCameAtMs: 0, servers: [] };
  const models = Array.from({ length: 2000 }, (_, index) => ({
    ...never,
    namespace: "x".repeat(200),
    name: `m${index}`,
    queued: 0,
  }));
  const asked = { isAskedFor: () => true, isWaitedFor: () => false };
  feed.watch({ current: () => ({}), models: () => models, ...asked });
  const deaf = connect(port, "127.0.0.1");
  t.after(() => deaf.destroy());
  deaf.pause();
  deaf.write(`GET ${DEMAND_PATH} HTTP/1.1\r\nhost: x\r\n\r\n`);
  await t.waitFor(() => assert.equal(feed.listeners, 1), PATIENCE);
  const { until } = await listener();
  const changing = setInterval(() => feed.changed("m0", { isAwaited: true }), 1);
  t.after(() => clearInterval(changing));
  await t.waitFor(() => assert.equal(feed.listeners, 1), PATIENCE);
  models.length = 1;
  await until((picture) => picture.models.length === 1);
});

test("when the service ends, the stream ends with the last picture", async (t) => {
  const { api, feed, listener } = await setUp(t, [ASLEEP]);
  const { pictures, ended, until } = await listener();
  const leaving = new AbortController();
  const asking = chat(api.url, { model: "m" }, { signal: leaving.signal });
  await until(queued(1));
  feed.end();
  await ended;
  assert.ok(queued(1)(pictures.at(-1) ?? assert.fail()));
  leaving.abort();
  await assert.rejects(asking);
});
