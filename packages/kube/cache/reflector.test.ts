import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { silentLog } from "../log.ts";
import type { Change } from "./object-cache.ts";
import type { KubeObject } from "../objects/objects.ts";
import { Reflector } from "./reflector.ts";
import { defineResource } from "../objects/resource.ts";
import type { Scope } from "../objects/scope.ts";
import { type Exchange, FaultServer } from "../fixtures/fault-server.ts";
import { ManualClock } from "../fixtures/manual-clock.ts";
import { Transport } from "../wire/transport.ts";

type Thing = KubeObject & { readonly spec?: { readonly size: number } };

const THINGS = defineResource<Thing>({
  group: "example.dev",
  version: "v1",
  plural: "things",
  kind: "Thing",
  namespaced: true,
});
const PATIENCE = { interval: 2, timeout: 5000 };
const PATH = "/apis/example.dev/v1/namespaces/home/things";

function thing(name: string, resourceVersion: number, uid = name): Thing {
  const version = String(resourceVersion);
  return {
    metadata: { name, namespace: "home", uid, resourceVersion: version, managedFields: [] },
  };
}

/** A server for one kind: the test answers lists and holds watches. */
async function setUp(t: TestContext, scope: Partial<Scope<Thing>> = {}) {
  const queue: Exchange[] = [];
  /** How long the reflector has decided to wait, one after the other. */
  const waits: number[] = [];
  const server = await FaultServer.start((exchange) => void queue.push(exchange));
  const clock = new ManualClock();
  const transport = new Transport(server.access(), { clock, random: () => 0 });
  const reflector = new Reflector(
    transport,
    { resource: THINGS, namespace: "home", ...scope },
    { log: { ...silentLog, warn: (_, fields) => void waits.push(Number(fields?.["waitMs"])) } },
  );
  const seen: string[] = [];
  reflector.cache.listen((change) => seen.push(told(change)));
  const stop = new AbortController();
  const running = reflector.run(stop.signal);
  t.after(async () => {
    stop.abort();
    await running;
    await transport[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  const next = async (): Promise<Exchange> => {
    await t.waitFor(() => assert.notEqual(queue.length, 0), PATIENCE);
    return queue.shift() as Exchange;
  };
  const it = { server, clock, reflector, cache: reflector.cache, seen, stop, running, queue };
  return {
    ...it,
    /** The next list request, answered. */
    async answerList(items: readonly Thing[], resourceVersion: number, token?: string) {
      const exchange = await next();
      assert.equal(exchange.received.path, PATH);
      assert.equal(exchange.received.query.has("watch"), false, "a list was expected");
      const metadata = {
        resourceVersion: String(resourceVersion),
        ...(token && { continue: token }),
      };
      exchange.json({ kind: "ThingList", metadata, items });
      return exchange.received.query;
    },
    async nextList(): Promise<Exchange> {
      const exchange = await next();
      assert.equal(exchange.received.query.has("watch"), false, "a list was expected");
      return exchange;
    },
    /** The next watch request, opened unless told otherwise. */
    async nextWatch(from: number | string): Promise<Exchange> {
      const exchange = await next();
      const { query } = exchange.received;
      assert.equal(query.get("watch"), "true", "a watch was expected");
      assert.equal(query.get("resourceVersion"), String(from));
      assert.equal(query.get("allowWatchBookmarks"), "true");
      return exchange;
    },
    sees: (...changes: string[]) => t.waitFor(() => assert.deepEqual(seen, changes), PATIENCE),
    /** Waits for the reflector to wait, for exactly so long, and lets that time pass. */
    async backOff(expectedMs = 800): Promise<void> {
      await t.waitFor(() => assert.notEqual(waits.length, 0), PATIENCE);
      const waitMs = waits.shift() ?? 0;
      assert.equal(waitMs, expectedMs);
      assert.equal(queue.length, 0, "a request before the time");
      await clock.advance(waitMs);
    },
  };
}

function told(change: Change<Thing>): string {
  const { name, resourceVersion } = change.object.metadata;
  return `${change.type} ${name}@${resourceVersion}`;
}

test("what is listed and what is watched make one cache", async (t) => {
  const it = await setUp(t);
  const query = await it.answerList([thing("a", 1), thing("b", 2)], 5);
  assert.equal(query.get("resourceVersion"), "0");
  const watch = await it.nextWatch(5);
  const seconds = Number(watch.received.query.get("timeoutSeconds"));
  assert.ok(seconds >= 300 && seconds <= 600);
  watch
    .begin()
    .event("ADDED", thing("c", 6))
    .event("MODIFIED", thing("a", 7))
    .event("DELETED", thing("b", 8));
  await it.sees("added a@1", "added b@2", "added c@6", "updated a@7", "deleted b@2");
  assert.deepEqual(
    it.cache.list().map(({ metadata }) => metadata.name),
    ["a", "c"],
  );
  assert.ok(it.reflector.hasSynced);
  await it.reflector.synced;
});

test("objects say what they are, drop what nobody reads, and cannot be changed", async (t) => {
  const it = await setUp(t);
  await it.answerList([{ ...thing("a", 1), spec: { size: 1 } }], 1);
  await it.sees("added a@1");
  const object = it.cache.get("home/a");
  assert.equal(object?.kind, "Thing");
  assert.equal(object.apiVersion, "example.dev/v1");
  assert.equal("managedFields" in object.metadata, false);
  assert.throws(() => Object.assign(object.spec ?? {}, { size: 2 }), TypeError);
});

test("selectors go into lists and watches", async (t) => {
  const it = await setUp(t, { labelSelector: "app=x", fieldSelector: "spec.size=1" });
  const query = await it.answerList([], 1);
  const watch = await it.nextWatch(1);
  for (const asked of [query, watch.received.query]) {
    assert.equal(asked.get("labelSelector"), "app=x");
    assert.equal(asked.get("fieldSelector"), "spec.size=1");
  }
});

test("a watch that ends in time goes on at once from the last version, bookmarks included", async (t) => {
  const it = await setUp(t);
  await it.answerList([], 5);
  const watch = (await it.nextWatch(5)).begin();
  watch.event("ADDED", thing("a", 6)).event("BOOKMARK", { metadata: { resourceVersion: "40" } });
  await it.sees("added a@6");
  watch.end();
  await it.nextWatch(40);
  assert.equal(it.cache.resourceVersion, "40");
});

test("a watch cut in the middle of a line goes on from the last whole one, without a list", async (t) => {
  const it = await setUp(t);
  await it.answerList([], 5);
  const watch = (await it.nextWatch(5)).begin();
  watch.event("ADDED", thing("a", 6)).raw('{"type":"ADDED","object":{"metadata":{"na').cut();
  await it.sees("added a@6");
  await it.backOff();
  const again = (await it.nextWatch(6)).begin();
  again.event("ADDED", thing("b", 7));
  await it.sees("added a@6", "added b@7");
});

test("events told twice or late change nothing", async (t) => {
  const it = await setUp(t);
  await it.answerList([thing("a", 5)], 5);
  const watch = (await it.nextWatch(5)).begin();
  watch
    .event("ADDED", thing("a", 5))
    .event("MODIFIED", thing("a", 7))
    .event("MODIFIED", thing("a", 7));
  watch.event("MODIFIED", thing("a", 6)).event("ADDED", thing("b", 8));
  await it.sees("added a@5", "updated a@7", "added b@8");
});

test("an object made anew under its old name is told as deleted and added", async (t) => {
  const it = await setUp(t);
  await it.answerList([thing("a", 5, "first")], 5);
  const watch = (await it.nextWatch(5)).begin();
  watch.event("ADDED", thing("a", 9, "second"));
  watch.event("DELETED", thing("a", 8, "first"));
  watch.event("ADDED", thing("b", 10));
  await it.sees("added a@5", "deleted a@5", "added a@9", "added b@10");
});

for (const how of ["as an event", "as the answer"] as const) {
  test(`a version that is no longer kept, told ${how}, leads to a list that finds what vanished`, async (t) => {
    const it = await setUp(t);
    await it.answerList([thing("a", 1), thing("b", 2), thing("c", 3, "old")], 5);
    const watch = await it.nextWatch(5);
    const expired = { kind: "Status", code: 410, reason: "Expired", message: "too old" };
    if (how === "as an event") watch.begin().event("ERROR", expired).end();
    else watch.json(expired, 410);
    await it.backOff();
    const query = await it.answerList([thing("b", 2), thing("c", 9, "new"), thing("d", 8)], 20);
    assert.equal(query.get("resourceVersion"), "5");
    await it.nextWatch(20);
    await it.sees(
      "added a@1",
      "added b@2",
      "added c@3",
      "deleted a@1",
      "deleted c@3",
      "added c@9",
      "added d@8",
    );
  });
}

test("a list for which there is nothing old enough asks for the newest", async (t) => {
  const it = await setUp(t);
  (await it.nextList()).status(410, "Expired");
  await it.backOff();
  const query = await it.answerList([], 3);
  assert.equal(query.get("resourceVersion"), "");
  assert.equal(query.get("limit"), "500");
});

test("a server restored from a backup is followed back in time", async (t) => {
  const it = await setUp(t);
  await it.answerList([thing("a", 900)], 900);
  const causes = [{ reason: "ResourceVersionTooLarge" }];
  const tooLarge = { kind: "Status", code: 504, reason: "Timeout", details: { causes } };
  (await it.nextWatch(900)).json(tooLarge, 504);
  await it.backOff();
  const query = await it.answerList([thing("a", 100)], 120);
  assert.equal(query.get("resourceVersion"), "");
  await it.nextWatch(120);
  await it.sees("added a@900", "updated a@100");
});

test("pages are put together, and an expired continue token starts one whole list", async (t) => {
  const it = await setUp(t);
  (await it.nextList()).status(410, "Expired");
  await it.backOff();
  await it.answerList([thing("a", 1)], 9, "page-2");
  const second = await it.answerList([thing("b", 1)], 9, "page-3");
  assert.equal(second.get("continue"), "page-2");
  assert.equal(second.has("resourceVersion"), false);
  (await it.nextList()).status(410, "Expired");
  const whole = await it.answerList([thing("b", 1), thing("c", 1)], 12);
  assert.equal(whole.has("continue"), false);
  assert.equal(whole.has("limit"), false);
  await it.nextWatch(12);
  await it.sees("added b@1", "added c@1");
});

test("pages that come one by one are told all at once", async (t) => {
  const it = await setUp(t);
  (await it.nextList()).status(410, "Expired");
  await it.backOff();
  await it.answerList([thing("a", 1)], 9, "page-2");
  const last = await it.nextList();
  assert.deepEqual(it.seen, []);
  assert.equal(it.reflector.hasSynced, false);
  last.json({ metadata: { resourceVersion: "9" }, items: null });
  await it.sees("added a@1");
});

test("a server in trouble is asked less and less, and from the last version", async (t) => {
  const it = await setUp(t);
  (await it.nextList()).status(503, "ServiceUnavailable");
  await it.backOff(800);
  (await it.nextList()).cut();
  await it.backOff(1600);
  await it.answerList([thing("a", 5)], 5);
  (await it.nextWatch(5)).status(500, "InternalError");
  await it.backOff(3200);
  (await it.nextWatch(5)).status(403, "Forbidden");
  await it.backOff(6400);
  (await it.nextWatch(5)).begin().end();
  await it.backOff(12_800);
  await it.nextWatch(5);
  assert.deepEqual(it.seen, ["added a@5"]);
});

test("a server that asks for patience gets it", async (t) => {
  const it = await setUp(t);
  await it.answerList([], 5);
  (await it.nextWatch(5)).status(429, "TooManyRequests", { "retry-after": "17" });
  await it.backOff(17_000);
  await it.nextWatch(5);
});

test("a watch that delivers is healthy again: its next failure is its first", async (t) => {
  const it = await setUp(t);
  await it.answerList([], 5);
  for (let i = 0; i < 4; i += 1) {
    (await it.nextWatch(5)).cut();
    await it.backOff(800 * 2 ** i);
  }
  (await it.nextWatch(5)).begin().event("ADDED", thing("a", 6)).cut();
  await it.backOff(800);
  await it.nextWatch(6);
});

test("a connection that has gone silent is given up for a new one at once", async (t) => {
  const it = await setUp(t);
  await it.answerList([], 5);
  const watch = (await it.nextWatch(5)).begin();
  watch.event("ADDED", thing("a", 6));
  await it.sees("added a@6");
  await it.clock.advance(149_999);
  assert.equal(watch.closed, false);
  await it.clock.advance(1);
  await t.waitFor(() => assert.ok(watch.closed), PATIENCE);
  await it.nextWatch(6);
});

test("half a line is a sign of life, and bookmarks keep a quiet watch open until its time is over", async (t) => {
  const it = await setUp(t);
  await it.answerList([], 5);
  const watch = (await it.nextWatch(5)).begin().event("ADDED", thing("a", 6));
  await it.sees("added a@6");
  for (let version = 7; version <= 8; version += 1) {
    await it.clock.advance(140_000);
    watch.event("BOOKMARK", { metadata: { resourceVersion: String(version) } });
    await t.waitFor(() => assert.equal(it.cache.resourceVersion, String(version)), PATIENCE);
  }
  watch.raw('{"type":');
  // A server that ignores the 300 s it was asked to end after.
  await it.clock.advance(49_999);
  assert.equal(watch.closed, false);
  await it.clock.advance(1);
  await t.waitFor(() => assert.ok(watch.closed), PATIENCE);
});

test("a watch that is not answered is given up", async (t) => {
  const it = await setUp(t);
  await it.answerList([], 5);
  const watch = await it.nextWatch(5);
  await it.clock.advance(30_000);
  await t.waitFor(() => assert.ok(watch.closed), PATIENCE);
  await it.backOff();
  await it.nextWatch(5);
});

test("garbage, unknown events and lines without an end do not stop it", async (t) => {
  const it = await setUp(t);
  await it.answerList([], 5);
  for (const [index, garbage] of ["nonsense\n", '{"type":"SURPRISE"}\n', "null\n"].entries()) {
    (await it.nextWatch(5)).begin().raw(garbage);
    await it.backOff(800 * 2 ** index);
  }
  (await it.nextWatch(5)).begin().event("ADDED", thing("a", 6));
  await it.sees("added a@6");
});

test("a kind that vanished and came back is listed again", async (t) => {
  const it = await setUp(t);
  await it.answerList([thing("a", 1)], 5);
  (await it.nextWatch(5)).status(404, "NotFound");
  await it.backOff();
  (await it.nextList()).status(404, "NotFound");
  await it.backOff(1600);
  await it.answerList([], 9);
  await it.sees("added a@1", "deleted a@1");
});

test("the server may go away altogether: the cache stays, and goes on when it is back", async (t) => {
  const it = await setUp(t);
  const { port } = it.server;
  await it.answerList([thing("a", 1)], 5);
  (await it.nextWatch(5)).begin();
  await it.server.stop();
  await it.backOff(800);
  await it.backOff(1600);
  assert.equal(it.cache.size, 1);
  await it.server.listen(port);
  await it.backOff(3200);
  (await it.nextWatch(5)).begin().event("DELETED", thing("a", 6));
  await it.sees("added a@1", "deleted a@1");
});

test("a listener that throws neither stops the reflector nor the other listeners", async (t) => {
  const it = await setUp(t);
  it.cache.listen(() => {
    throw new Error("a bug");
  });
  const others: string[] = [];
  it.cache.listen((change) => others.push(told(change)));
  await it.answerList([thing("a", 1)], 5);
  (await it.nextWatch(5)).begin().event("ADDED", thing("b", 6));
  await it.sees("added a@1", "added b@6");
  assert.deepEqual(others, it.seen);
});

test("stopping ends the watch at the server, and nothing is told afterwards", async (t) => {
  const it = await setUp(t);
  await it.answerList([], 5);
  const watch = (await it.nextWatch(5)).begin();
  watch.event("ADDED", thing("a", 6));
  await it.sees("added a@6");
  it.stop.abort();
  await it.running;
  await t.waitFor(() => assert.ok(watch.closed), PATIENCE);
  assert.deepEqual(it.clock.pendingMs, []);
  assert.equal(it.queue.length, 0);
});

test("stopping while connecting leaves no watch behind", async (t) => {
  const it = await setUp(t);
  await it.answerList([], 5);
  const watch = await it.nextWatch(5);
  it.stop.abort();
  await it.running;
  await t.waitFor(() => assert.ok(watch.closed), PATIENCE);
});

test("who wrote something can wait until it is to be seen", async (t) => {
  const it = await setUp(t);
  await it.answerList([], 5);
  const watch = (await it.nextWatch(5)).begin();
  const never = new AbortController().signal;
  const waiting = it.cache.whenSeen("7", never);
  watch.event("ADDED", thing("a", 6));
  await it.sees("added a@6");
  assert.equal(it.cache.hasSeen("7"), false);
  watch.event("BOOKMARK", { metadata: { resourceVersion: "10" } });
  await waiting;
  assert.equal(it.cache.hasSeen("7"), true);
  await assert.rejects(it.cache.whenSeen("11", AbortSignal.abort(new Error("enough"))), /enough/);
});
