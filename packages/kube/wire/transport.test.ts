import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { ApiConnectionError, ApiStatusError, isConflict, isNotFound } from "./api-errors.ts";
import type { ApiRequest } from "./api-request.ts";
import type { ClusterAccess } from "../access/access.ts";
import { exposition } from "@localmodel/telemetry/metrics/exposition.ts";
import { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import { FaultServer, type Script } from "../fixtures/fault-server.ts";
import { ManualClock } from "../fixtures/manual-clock.ts";
import { Transport } from "./transport.ts";

/** A bound for a wait in vain. */
const PATIENCE = { timeout: 30_000 };

const GET: ApiRequest = { method: "GET", path: "/api/v1/pods" };
const POST: ApiRequest = { method: "POST", path: "/api/v1/pods", body: { from: "here" } };
const APPLY: ApiRequest = { ...POST, method: "PATCH", repeatable: true };

async function setUp(
  t: TestContext,
  script: Script,
  access?: (server: FaultServer) => ClusterAccess,
) {
  const server = await FaultServer.start(script);
  const clock = new ManualClock();
  const metrics = new MetricRegistry();
  const options = { clock, metrics, random: () => 0 };
  const transport = new Transport(access?.(server) ?? server.access(), options);
  t.after(async () => {
    await transport[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  return { server, clock, metrics, transport };
}

type Setup = Awaited<ReturnType<typeof setUp>>;

/** Moves the clock to the next retry whenever one is waited for, until the work is done. */
async function throughRetries<T>(
  t: TestContext,
  { clock, server }: Setup,
  work: Promise<T>,
): Promise<T> {
  const state = { settled: false };
  void work.catch(() => {}).finally(() => (state.settled = true));
  for (let answered = 1; !state.settled; answered += 1) {
    // The deadline of 30 s is always pending; a second timer is a wait.
    await t.waitFor(
      () =>
        assert.ok(
          state.settled || (server.exchanges.length >= answered && clock.pendingMs.length === 2),
        ),
      PATIENCE,
    );
    if (!state.settled) await clock.advance(clock.pendingMs[0] ?? 0);
  }
  return work;
}

test("what is sent and what is received are plain JSON, whatever the names", async (t) => {
  const body = { from: [{}], default: 1, enum: ["a"], "x-kubernetes-validations": [{ rule: "x" }] };
  const { transport, server } = await setUp(t, (exchange) => exchange.json(exchange.received.body));
  assert.deepEqual(await transport.json({ ...POST, body }), body);
  assert.equal(server.received[0]?.headers.authorization, "Bearer secret");
});

test("requests one after another share connections", async (t) => {
  const { transport, server } = await setUp(t, (exchange) => exchange.json({}));
  for (let i = 0; i < 20; i += 1) await transport.json(GET);
  // A connection is free again a moment after its answer, so that there may be two.
  assert.ok(server.connections <= 2, `there were ${server.connections}`);
});

test("query parameters are encoded and undefined ones left out", async (t) => {
  const { transport, server } = await setUp(t, (exchange) => exchange.json({}));
  await transport.json({
    ...GET,
    query: { labelSelector: "a in (b,c)", limit: 5, none: undefined },
  });
  assert.deepEqual(
    [...(server.received[0]?.query ?? [])],
    [
      ["labelSelector", "a in (b,c)"],
      ["limit", "5"],
    ],
  );
});

test("a refusal is an error with the server's reason", async (t) => {
  const { transport } = await setUp(t, (exchange) => exchange.status(409, "Conflict"));
  const error = await transport.json(POST).catch((reason: unknown) => reason);
  assert.ok(error instanceof ApiStatusError);
  assert.ok(isConflict(error) && !isNotFound(error));
  assert.equal(error.message, "POST /api/v1/pods: 409 Conflict: as told: Conflict");
});

test("a refusal in the words of a load balancer is an error as well", async (t) => {
  const { transport } = await setUp(t, (exchange) => exchange.text("<h1>no such host</h1>", 404));
  const error = await transport.json(GET).catch((reason: unknown) => reason);
  assert.ok(isNotFound(error));
  assert.match(String(error), /404 NotFound: <h1>no such host<\/h1>/);
});

for (const { name, request, code } of [
  { name: "a read", request: GET, code: 503 },
  { name: "a read", request: GET, code: 502 },
  { name: "an apply", request: APPLY, code: 504 },
  { name: "a create", request: POST, code: 429 },
]) {
  test(`${name} that meets ${code} is sent again`, async (t) => {
    const it = await setUp(t, (exchange, index) =>
      index < 2 ? exchange.status(code, "") : exchange.json({ index }),
    );
    assert.deepEqual(await throughRetries(t, it, it.transport.json(request)), { index: 2 });
  });
}

for (const code of [500, 503, 504]) {
  test(`a create that meets ${code} is not sent again, it may have happened`, async (t) => {
    const { transport, server } = await setUp(t, (exchange) => exchange.status(code, ""));
    await assert.rejects(transport.json(POST), { code });
    assert.equal(server.exchanges.length, 1);
  });
}

test("a mistake that the server calls an internal error is told at once", async (t) => {
  const { transport, server } = await setUp(t, (exchange) => exchange.status(500, "InternalError"));
  await assert.rejects(transport.json(APPLY), { code: 500 });
  assert.equal(server.exchanges.length, 1);
});

test("a server that asks for patience gets it", async (t) => {
  const it = await setUp(t, (exchange, index) =>
    index === 0
      ? exchange.status(429, "TooManyRequests", { "retry-after": "7" })
      : exchange.json({}),
  );
  const work = it.transport.json(POST);
  await t.waitFor(() => assert.deepEqual(it.clock.pendingMs.length, 2), PATIENCE);
  assert.equal(it.clock.pendingMs[0], 7000);
  await throughRetries(t, it, work);
});

test("a server that never gets better is given up", async (t) => {
  const it = await setUp(t, (exchange) => exchange.status(503, "ServiceUnavailable"));
  await assert.rejects(throughRetries(t, it, it.transport.json(GET)), { code: 503 });
  assert.equal(it.server.exchanges.length, 5);
});

test("callers with retries of their own get the first failure", async (t) => {
  const { transport, server } = await setUp(t, (exchange) => exchange.status(503, ""));
  await assert.rejects(transport.json({ ...GET, retry: false }), { code: 503 });
  assert.equal(server.exchanges.length, 1);
});

test("an answer that is cut off is asked for again", async (t) => {
  const it = await setUp(t, (exchange, index) =>
    index === 0 ? exchange.begin().raw('{"items":[').cut() : exchange.json({ items: [] }),
  );
  assert.deepEqual(await throughRetries(t, it, it.transport.json(GET)), { items: [] });
});

test("an answer that is not JSON is no answer", async (t) => {
  const { transport } = await setUp(t, (exchange) => exchange.text("<html>", 200));
  await assert.rejects(transport.json({ ...GET, retry: false }), ApiConnectionError);
});

test("a server that is away for a while is waited for, even by a create", async (t) => {
  const it = await setUp(t, (exchange) => exchange.json({}));
  const { port } = it.server;
  await it.server.stop();
  const work = it.transport.json(POST);
  await t.waitFor(() => assert.equal(it.clock.pendingMs.length, 2), PATIENCE);
  await it.server.listen(port);
  await it.clock.advance(it.clock.pendingMs[0] ?? 0);
  assert.deepEqual(await work, {});
});

test("a server that does not answer is given up at the deadline", async (t) => {
  const { transport, server, clock } = await setUp(t, () => {});
  const work = transport.json({ ...GET, timeoutMs: 5000 });
  const failed = assert.rejects(work, /GET \/api\/v1\/pods: no answer within 5 s/);
  await t.waitFor(() => assert.equal(server.exchanges.length, 1), PATIENCE);
  await clock.advance(5000);
  await failed;
  await t.waitFor(() => assert.ok(server.exchanges[0]?.closed), PATIENCE);
  assert.deepEqual(clock.pendingMs, []);
});

test("aborting ends a request with the reason given, and gives its connection up", async (t) => {
  const { transport, server, clock } = await setUp(t, () => {});
  const stop = new AbortController();
  const reason = new Error("enough");
  const requests = [GET, POST].map(async (request) =>
    assert.rejects(
      transport.json({ ...request, signal: stop.signal }),
      (error) => error === reason,
    ),
  );
  await t.waitFor(() => assert.equal(server.exchanges.length, 2), PATIENCE);
  stop.abort(reason);
  await Promise.all(requests);
  await t.waitFor(() => assert.ok(server.exchanges[0]?.closed), PATIENCE);
  assert.deepEqual(clock.pendingMs, []);
});

test("a token that was replaced is fetched when the old one is refused, once for all", async (t) => {
  let current = "old";
  let logins = 0;
  const refusals: boolean[] = [];
  const script: Script = (exchange) => {
    const isCurrent = exchange.received.headers.authorization === `Bearer ${current}`;
    if (isCurrent) exchange.json({});
    else exchange.status(401, "Unauthorized");
  };
  const { transport } = await setUp(t, script, (server) => ({
    ...server.access(),
    async credentials(afterRefusal) {
      logins += 1;
      refusals.push(afterRefusal);
      return { headers: { authorization: `Bearer ${current}` }, tls: {} };
    },
  }));
  await transport.json(GET);
  await transport.json(GET);
  assert.equal(logins, 1);
  current = "new";
  await Promise.all(Array.from({ length: 20 }, () => transport.json(POST)));
  assert.equal(logins, 2);
  assert.deepEqual(refusals, [false, true]);
});

test("credentials are refreshed in time, without waiting to be refused", async (t) => {
  let logins = 0;
  const { transport, clock, server } = await setUp(
    t,
    (exchange) => exchange.json({}),
    (faulty) => ({
      ...faulty.access(),
      async credentials() {
        logins += 1;
        return { headers: { authorization: `Bearer ${logins}` }, tls: {} };
      },
    }),
  );
  await transport.json(GET);
  await clock.advance(61_000);
  await transport.json(GET);
  assert.deepEqual(
    server.received.map(({ headers }) => headers.authorization),
    ["Bearer 1", "Bearer 2"],
  );
});

test("who may not log in even with fresh credentials is told so", async (t) => {
  const { transport, server } = await setUp(t, (exchange) => exchange.status(401, "Unauthorized"));
  await assert.rejects(transport.json(GET), { code: 401 });
  assert.equal(server.exchanges.length, 2);
});

test("a login that hangs ends at the deadline", async (t) => {
  const { transport, clock } = await setUp(
    t,
    (exchange) => exchange.json({}),
    (server) => ({ ...server.access(), credentials: () => new Promise(() => {}) }),
  );
  const failed = assert.rejects(transport.json(GET), /no answer within 30 s/);
  await t.waitFor(() => assert.equal(clock.pendingMs.length, 1), PATIENCE);
  await clock.advance(30_000);
  await failed;
});

test("permission to write is asked for before every attempt, and its loss ends what is under way", async (t) => {
  const lost = new AbortController();
  const guard = { signal: lost.signal, check: () => lost.signal.throwIfAborted() };
  const it = await setUp(t, (exchange, index) => {
    if (index === 0) exchange.status(503, "");
  });
  const failed = assert.rejects(it.transport.json({ ...APPLY, guard }), /lease/);
  await t.waitFor(() => assert.equal(it.clock.pendingMs.length, 2), PATIENCE);
  await it.clock.advance(it.clock.pendingMs[0] ?? 0);
  await t.waitFor(() => assert.equal(it.server.exchanges.length, 2), PATIENCE);
  lost.abort(new Error("the lease is gone"));
  await failed;
  await t.waitFor(() => assert.ok(it.server.exchanges[1]?.closed), PATIENCE);
  await assert.rejects(it.transport.json({ ...APPLY, guard }), /lease/);
  assert.equal(it.server.exchanges.length, 2);
});

test("a stream arrives as it is sent", async (t) => {
  const { transport, server } = await setUp(t, (exchange) => void exchange.begin().raw("one\n"));
  const body = await transport.stream(GET);
  server.exchanges[0]?.raw("two\n").end();
  assert.equal(await text(body), "one\ntwo\n");
});

test("requests are counted under the names of Go's client", async (t) => {
  const { transport, metrics, server } = await setUp(t, (exchange, index) =>
    index === 0 ? exchange.json({}) : exchange.cut(),
  );
  await transport.json(GET);
  await assert.rejects(transport.json({ ...POST, retry: false }));
  const host = `host="127.0.0.1:${server.port}"`;
  const rendered = exposition(metrics).text;
  assert.ok(rendered.includes(`rest_client_requests_total{code="200",method="GET",${host}} 1`));
  assert.ok(
    rendered.includes(`rest_client_requests_total{code="<error>",method="POST",${host}} 1`),
  );
  assert.ok(rendered.includes(`rest_client_request_duration_seconds_count{verb="GET",${host}} 1`));
});
