import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Client } from "../wire/client.ts";
import { type KubeEvent, newEvent, type Occurrence, referenceTo } from "./event.ts";
import { EventRecorder } from "./event-recorder.ts";
import { silentLog } from "../log.ts";
import { FaultServer, type Script } from "../fixtures/fault-server.ts";
import { ManualClock, settle } from "../fixtures/manual-clock.ts";
import { Transport } from "../wire/transport.ts";

const PATIENCE = { interval: 2, timeout: 5000 };
const REPORTER = { controller: "example.dev/tester", instance: "pod-1" };

function about(name: string, more: Partial<Occurrence> = {}): Occurrence {
  const regarding = { apiVersion: "v1", kind: "Pod", namespace: "home", name, uid: name };
  const said = {
    type: "Warning",
    reason: "Failed",
    action: "Start",
    note: "it did not start",
  } as const;
  return { regarding, ...said, ...more };
}

const echo: Script = (exchange) => exchange.json(exchange.received.body, 201);

async function setUp(t: TestContext, script: Script = echo) {
  const server = await FaultServer.start(script);
  const clock = new ManualClock();
  const transport = new Transport(server.access(), { clock, random: () => 1 });
  const client = new Client(transport, { fieldManager: "tester" });
  const lost: unknown[] = [];
  const log = { ...silentLog, warn: (message: string) => void lost.push(message) };
  const recorder = new EventRecorder(client, { reporter: REPORTER, log });
  const stop = new AbortController();
  const running = recorder.run(stop.signal);
  t.after(async () => {
    stop.abort();
    await running;
    await transport[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  const requests = (count: number) =>
    t.waitFor(() => assert.equal(server.exchanges.length, count), PATIENCE);
  /** Until nothing is under way: what remains is the timer for the next sweep, every minute. */
  const quiet = () =>
    t.waitFor(
      () => assert.deepEqual(clock.pendingMs, [60_000 - (clock.nowMs() % 60_000)]),
      PATIENCE,
    );
  return { server, clock, recorder, stop, running, requests, quiet, lost };
}

test("an event says what happened, to what, and who saw it", async (t) => {
  const it = await setUp(t);
  it.recorder.record(about("a"));
  await it.requests(1);
  const [received] = it.server.received;
  assert.equal(received?.path, "/apis/events.k8s.io/v1/namespaces/home/events");
  const { metadata, ...event } = received.body as KubeEvent;
  assert.match(metadata.name, /^a\.[0-9a-f]{16}$/);
  assert.deepEqual(event, {
    ...about("a"),
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    eventTime: "2026-01-01T00:00:00.000000Z",
    reportingController: "example.dev/tester",
    reportingInstance: "pod-1",
  });
});

test("the same again is a series: told at once, then now and then, and once more when it ends", async (t) => {
  const it = await setUp(t);
  const counts = () =>
    it.server.received.flatMap(({ body }) => (body as KubeEvent).series?.count ?? []);
  it.recorder.record(about("a"));
  await it.requests(1);
  for (let i = 0; i < 40; i += 1) {
    // Another percentage is not another event.
    it.recorder.record(about("a", { note: `${i} %` }));
    await settle();
  }
  await it.requests(2);
  await it.quiet();
  assert.deepEqual(counts(), [2]);
  for (let minute = 0; minute < 31; minute += 1) {
    it.recorder.record(about("a"));
    await it.quiet();
    await it.clock.advance(60_000);
  }
  await it.requests(3);
  await it.quiet();
  assert.ok((counts()[1] ?? 0) >= 70);
  for (let minute = 0; minute < 7; minute += 1) {
    await it.clock.advance(60_000);
    await it.quiet();
  }
  await it.requests(4);
  assert.equal(counts()[2], 72);
  it.recorder.record(about("a"));
  await it.requests(5);
  assert.equal(it.server.received[4]?.method, "POST");
});

test("about one object there is only so much to say, whatever it is", async (t) => {
  const it = await setUp(t);
  for (let i = 0; i < 100; i += 1) it.recorder.record(about("a", { reason: `Reason${i}` }));
  it.recorder.record(about("b"));
  await it.requests(26);
  await it.quiet();
  const names = it.server.received.map(({ body }) => (body as KubeEvent).regarding.name);
  assert.deepEqual(names, [...Array.from({ length: 25 }, () => "a"), "b"]);
  await it.clock.advance(300_000);
  await it.quiet();
  for (let i = 100; i < 110; i += 1) it.recorder.record(about("a", { reason: `Reason${i}` }));
  await it.requests(27);
});

test("an event waits for a server that is away, and what it refuses is dropped", async (t) => {
  const it = await setUp(t, (exchange, index) => {
    if (index < 2) exchange.status(503, "ServiceUnavailable");
    else if (index === 2) exchange.status(403, "Forbidden");
    else exchange.json({}, 201);
  });
  it.recorder.record(about("a"));
  it.recorder.record(about("b"));
  for (let tries = 1; tries <= 2; tries += 1) {
    await it.requests(tries);
    await t.waitFor(() => assert.deepEqual(it.clock.pendingMs, [10_000]), PATIENCE);
    await it.clock.advance(10_000);
  }
  await it.requests(4);
  const names = it.server.received.map(({ body }) => (body as KubeEvent).regarding.name);
  assert.deepEqual(names, ["a", "a", "a", "b"]);
  assert.deepEqual(it.lost, ["an event was not written"]);
});

test("more than fits is lost, and recording never fails", async (t) => {
  const it = await setUp(t, () => {});
  for (let i = 0; i < 1100; i += 1) it.recorder.record(about(`pod-${i}`));
  await it.requests(1);
  assert.equal(it.lost.length, 100);
  // And none of it holds the process at its end for longer than a moment.
  it.stop.abort();
  await it.requests(2);
  await it.clock.advance(5001);
  await it.running;
});

test("a series whose event is gone begins anew", async (t) => {
  const it = await setUp(t, (exchange) => {
    if (exchange.received.method === "PATCH") exchange.status(404, "NotFound");
    else exchange.json({}, 201);
  });
  it.recorder.record(about("a"));
  await it.requests(1);
  it.recorder.record(about("a"));
  await it.requests(3);
  assert.deepEqual(
    it.server.received.map(({ method }) => method),
    ["POST", "PATCH", "POST"],
  );
  const [, , anew] = it.server.received.map(({ body }) => body as KubeEvent);
  assert.equal(anew?.series?.count, 2);
});

test("at the end what was counted and what waits is written", async (t) => {
  const it = await setUp(t);
  it.recorder.record(about("a"));
  await it.requests(1);
  for (let i = 0; i < 5; i += 1) it.recorder.record(about("a"));
  await it.requests(2);
  await it.quiet();
  it.recorder.record(about("b"));
  it.stop.abort();
  await it.running;
  assert.equal(it.server.received.length, 4);
  const last = it.server.received.map(({ body }) => (body as KubeEvent).series?.count);
  assert.ok(last.includes(6));
});

test("a note is cut between characters, and a name fits", () => {
  const long = about("x".repeat(253), { note: "é".repeat(1000) });
  const event = newEvent(long, REPORTER, new Date(0), "0123456789abcdef");
  assert.ok(Buffer.byteLength(event.note) <= 1024);
  assert.match(event.note, /^é+\.\.\.$/);
  assert.equal(event.metadata.name.length, 253);
});

test("events about objects of the cluster live in the default namespace", () => {
  const node = { apiVersion: "v1", kind: "Node", metadata: { name: "n", uid: "u" } };
  const event = newEvent(about("n", { regarding: referenceTo(node) }), REPORTER, new Date(0), "x");
  assert.equal(event.metadata.namespace, "default");
  assert.deepEqual(event.regarding, { apiVersion: "v1", kind: "Node", name: "n", uid: "u" });
});
