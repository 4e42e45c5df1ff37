import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { Client } from "../wire/client.ts";
import { Controller } from "../work/controller.ts";
import { Election } from "../election/election.ts";
import { EventRecorder } from "../events/event-recorder.ts";
import { healthListener } from "./health.ts";
import type { Lease } from "../election/lease.ts";
import { silentLog } from "../log.ts";
import { Manager } from "./manager.ts";
import { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import type { KubeObject } from "../objects/objects.ts";
import type { Pass, Reconcile } from "../work/reconcile.ts";
import { Reflector } from "../cache/reflector.ts";
import { defineResource } from "../objects/resource.ts";
import { type Exchange, FaultServer } from "../fixtures/fault-server.ts";
import { ManualClock, settle } from "../fixtures/manual-clock.ts";
import { Transport } from "../wire/transport.ts";

const PATIENCE = { interval: 2, timeout: 5000 };
const THINGS = defineResource({
  group: "example.dev",
  version: "v1",
  plural: "things",
  kind: "Thing",
  namespaced: true,
});

function thing(name: string): KubeObject {
  return { metadata: { namespace: "home", name, uid: name, resourceVersion: "1" } };
}

/** A whole controller process against a server that serves one kind, a lease and events. */
type TestPass = (pass: Pass, client: Client) => ReturnType<Reconcile>;

async function setUp(t: TestContext, reconcile: TestPass, served = { lists: true, leases: true }) {
  /** What arrived, in order, without the watches. */
  const calls: string[] = [];
  const state = { ...served };
  let lease: Lease | undefined;
  let version = 0;
  const server = await FaultServer.start((exchange: Exchange) => {
    const { method, path, query, body } = exchange.received;
    if (query.has("watch")) return void exchange.begin();
    if (path.endsWith("/things") && method === "GET") {
      if (state.lists) exchange.json({ metadata: { resourceVersion: "5" }, items: [thing("a")] });
      return;
    }
    if (path.includes("/leases")) return answerLease(exchange);
    calls.push(`${method} ${path.includes("/events") ? "event" : path.split("/").at(-1)}`);
    // Not at once, so that whoever does not wait for the answer is found out.
    void settle(20).then(() => exchange.json(body ?? {}));
  });
  const answerLease = (exchange: Exchange): void => {
    const { method, body } = exchange.received;
    if (!state.leases) return exchange.status(503, "ServiceUnavailable");
    if (method === "GET" && lease !== undefined) calls.push("lease read");
    if (method === "GET") return lease ? exchange.json(lease) : exchange.status(404, "NotFound");
    lease = body as Lease;
    lease = { ...lease, metadata: { ...lease.metadata, resourceVersion: String((version += 1)) } };
    if (lease.spec?.holderIdentity === "") calls.push("lease given back");
    exchange.json(lease);
  };
  const clock = new ManualClock();
  const metrics = new MetricRegistry();
  const transport = new Transport(server.access(), { clock, random: () => 0 });
  const client = new Client(transport, { fieldManager: "tester" });
  const election = new Election(client, {
    namespace: "home",
    name: "lock",
    identity: "me",
    log: silentLog,
    metrics,
  });
  const guarded = client.with({ guard: election.leadership });
  const reporter = { controller: "example.dev/tester", instance: "me" };
  const recorder = new EventRecorder(client, { reporter, log: silentLog });
  const reflector = new Reflector(transport, { resource: THINGS }, { log: silentLog });
  const pass: Reconcile = (given) => reconcile(given, guarded.with({ signal: given.signal }));
  const controller = new Controller("things", pass, { log: silentLog, metrics, clock });
  controller.owns(reflector.cache);
  const manager = new Manager({
    reflectors: [reflector],
    controllers: [controller],
    recorder,
    election,
    log: silentLog,
    clock,
  });
  const stop = new AbortController();
  const running = manager.run(stop.signal);
  running.catch(() => {});
  t.after(async () => {
    stop.abort();
    state.leases = true;
    await running.catch(() => {});
    await transport[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  return { server, clock, metrics, manager, recorder, election, state, calls, stop, running };
}

test("passes start when the caches are full and the lease is held, and write", async (t) => {
  const seen: string[] = [];
  const it = await setUp(t, async ({ key, name }, client) => {
    seen.push(key);
    await client.apply(THINGS, { metadata: { name: name.name, namespace: "home" } });
  });
  await t.waitFor(() => assert.deepEqual(it.calls, ["PATCH a"]), PATIENCE);
  assert.deepEqual(seen, ["home/a"]);
  assert.deepEqual(it.manager.checks["caches"]?.(), undefined);
});

test("a process that cannot list is not ready, and gives up in the end", async (t) => {
  const served = { lists: false, leases: true };
  const it = await setUp(t, async () => assert.fail("a pass on an empty cache"), served);
  assert.equal(it.manager.checks["caches"]?.(), "not listed yet: things.example.dev");
  await t.waitFor(() => assert.notEqual(it.server.exchanges.length, 0), PATIENCE);
  const failed = assert.rejects(it.running, /not everything could be listed in time/);
  await it.clock.advance(120_000);
  await failed;
});

test("at the end passes finish, events are written, and the lease is given back, in this order", async (t) => {
  const gate = Promise.withResolvers<void>();
  const it = await setUp(t, async ({ name }, client) => {
    it.calls.push("a pass begins");
    await gate.promise;
    await client.apply(THINGS, { metadata: { name: name.name, namespace: "home" } });
    const regarding = { apiVersion: "v1", kind: "Thing", namespace: "home", name: "a" };
    const said = { type: "Normal", reason: "Done", action: "Apply", note: "all is well" } as const;
    for (let i = 0; i < 3; i += 1) it.recorder.record({ regarding, ...said });
  });
  await t.waitFor(() => assert.deepEqual(it.calls, ["a pass begins"]), PATIENCE);
  it.stop.abort();
  gate.resolve();
  await it.running;
  assert.deepEqual(it.calls, [
    "a pass begins",
    "PATCH a",
    "POST event",
    "PATCH event",
    "PATCH event",
    "lease read",
    "lease given back",
  ]);
  assert.deepEqual(it.clock.pendingMs, []);
});

test("a pass that does not end is ended after the grace period", async (t) => {
  const it = await setUp(t, async ({ signal }) => {
    it.calls.push("a pass begins");
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  await t.waitFor(() => assert.deepEqual(it.calls, ["a pass begins"]), PATIENCE);
  it.stop.abort();
  for (let second = 1; second <= 29; second += 1) {
    await it.clock.advance(1000);
    const isRenewed = (): boolean => it.clock.pendingMs.some((ms) => ms <= 2000);
    await t.waitFor(() => assert.ok(isRenewed()), PATIENCE);
  }
  assert.ok(it.election.leadership.isHeld, "the lease is renewed while passes finish");
  await it.clock.advance(1000);
  await it.running;
  assert.deepEqual(it.calls, ["a pass begins", "lease read", "lease given back"]);
});

test("a lost lease stops everything at once, and the process fails", async (t) => {
  const it = await setUp(t, async ({ signal, name }, client) => {
    it.calls.push("a pass begins");
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    const written = client.apply(THINGS, { metadata: { name: name.name, namespace: "home" } });
    await assert.rejects(written, /not renewed in time/);
    it.calls.push("it may not write");
  });
  await t.waitFor(() => assert.deepEqual(it.calls, ["a pass begins"]), PATIENCE);
  it.state.leases = false;
  const failed = assert.rejects(it.running, /the lease was not renewed in time/);
  await it.clock.advance(10_000);
  await failed;
  await t.waitFor(
    () => assert.deepEqual(it.calls, ["a pass begins", "it may not write"]),
    PATIENCE,
  );
});

test("a process told to stop before it leads ends quietly", async (t) => {
  const served = { lists: true, leases: false };
  const it = await setUp(t, async () => assert.fail("a pass without a lease"), served);
  const asked = (): boolean => it.server.received.some(({ path }) => path.includes("/leases"));
  await t.waitFor(() => assert.ok(asked()), PATIENCE);
  it.stop.abort();
  await it.running;
  assert.deepEqual(it.calls, []);
});

test("health says what is wrong, readiness and metrics are served", async (t) => {
  const metrics = new MetricRegistry();
  metrics.counter("things_total", 'Things with "quotes"').add({ name: 'a"b\\c\nd' }, 2);
  let problem: string | undefined = "not listed yet: things";
  const server = createServer(
    healthListener({ live: {}, ready: { caches: () => problem }, metrics }),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const get = async (path: string, method = "GET") => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    return { status: response.status, text: await response.text() };
  };
  assert.deepEqual(await get("/healthz"), { status: 200, text: "ok\n" });
  const unready = { status: 503, text: "[-] caches: not listed yet: things\nnot ok\n" };
  assert.deepEqual(await get("/readyz?verbose"), unready);
  problem = undefined;
  assert.equal((await get("/readyz")).status, 200);
  assert.equal(
    (await get("/metrics")).text,
    '# HELP things_total Things with "quotes"\n# TYPE things_total counter\nthings_total{name="a\\"b\\\\c\\nd"} 2\n',
  );
  assert.equal((await get("/other")).status, 404);
  assert.equal((await get("/healthz", "POST")).status, 405);
});
