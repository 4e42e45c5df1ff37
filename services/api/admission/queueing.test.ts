/** What clients see while their requests wait. */
import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { chat, errorOf, model, gateway } from "../fixtures/gateway.ts";
import { bearer, key, ringOf } from "../fixtures/keys.ts";
import {
  answer,
  chunk,
  END,
  event,
  json,
  upstream,
  SSE_HEAD,
} from "../fixtures/scripted-upstream.ts";

/** A bound for a wait in vain. */
const PATIENCE = { timeout: 30_000 };

/** A server that answers when it is told to. */
async function held(t: TestContext, text: string) {
  const releases: (() => void)[] = [];
  const server = await upstream(t, (socket) => void releases.push(() => socket.write(text)));
  return { ...server, release: () => releases.shift()?.(), arrived: () => server.requests.length };
}

const OK = json({ ok: true });
const STREAM = SSE_HEAD + chunk(event("one")) + chunk("data: [DONE]\n\n") + END;

test("what a server cannot work on yet waits in the API service", async (t) => {
  const server = await held(t, OK);
  const { url } = await gateway(t, [model("m", { endpoints: [server.url], slots: 2 })]);
  const answers = Array.from({ length: 5 }, () => chat(url, {}));
  await t.waitFor(() => assert.equal(server.arrived(), 3), PATIENCE);
  for (let expected = 4; expected <= 5; expected++) {
    server.release();
    await t.waitFor(() => assert.equal(server.arrived(), expected), PATIENCE);
  }
  for (let left = 0; left < 3; left++) server.release();
  for (const response of await Promise.all(answers)) assert.equal(response.status, 200);
});

test("what evaluates nothing waits for nobody", async (t) => {
  const server = await held(t, OK);
  const { url } = await gateway(t, [model("m", { endpoints: [server.url] })]);
  const answers = Array.from({ length: 3 }, () => chat(url, {}));
  await t.waitFor(() => assert.equal(server.arrived(), 2), PATIENCE);
  const counting = fetch(`${url}/v1/messages/count_tokens`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  await t.waitFor(() => assert.equal(server.arrived(), 3), PATIENCE);
  for (let served = 1; served <= 4; served++) {
    await t.waitFor(() => assert.ok(server.arrived() >= served), PATIENCE);
    server.release();
  }
  for (const response of await Promise.all([...answers, counting])) {
    assert.equal(response.status, 200);
  }
});

test("beyond the queue's bound the answer is a 429 with a time to come back", async (t) => {
  const server = await held(t, OK);
  const { url, requests } = await gateway(t, [model("m", { endpoints: [server.url] })], {
    maxQueuedRequests: 1,
  });
  const answers = Array.from({ length: 3 }, () => chat(url, {}));
  await t.waitFor(() => assert.equal(requests.count, 3), PATIENCE);
  const refused = await chat(url, {});
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers.get("retry-after")) >= 1);
  assert.equal((await errorOf(refused)).code, "rate_limit_exceeded");
  for (let served = 1; served <= 3; served++) {
    await t.waitFor(() => assert.ok(server.arrived() >= served), PATIENCE);
    server.release();
  }
  await Promise.all(answers);
});

test("a key that fills the queue is refused itself, and keeps nobody else out", async (t) => {
  const server = await held(t, OK);
  const keys = ringOf(key("hog"), key("alice"));
  const { url, requests } = await gateway(t, [model("m", { endpoints: [server.url] })], {
    maxQueuedRequests: 4,
    keys,
  });
  const hog = { headers: bearer("hog") };
  let refused = 0;
  const flood = Array.from({ length: 6 }, async () => {
    const { status } = await chat(url, {}, hog);
    if (status === 429) refused += 1;
    return status;
  });
  await t.waitFor(() => assert.equal(requests.count, 6), PATIENCE);
  assert.equal((await chat(url, {}, hog)).status, 429);
  const alice = [1, 2].map(() => chat(url, {}, { headers: bearer("alice") }));
  await t.waitFor(() => assert.equal(refused, 2), PATIENCE);
  const tenants: string[] = [];
  for (let served = 1; served <= 6; served++) {
    await t.waitFor(() => assert.ok(server.arrived() >= served), PATIENCE);
    tenants.push(
      /^x-localmodel-tenant: (\w+)/im.exec(server.requests[served - 1]?.head ?? "")?.[1] ?? "",
    );
    server.release();
  }
  assert.deepEqual(tenants, ["hog", "hog", "hog", "alice", "hog", "alice"]);
  assert.deepEqual(
    (await Promise.all(alice)).map(({ status }) => status),
    [200, 200],
  );
  const served = (await Promise.all(flood)).filter((status) => status === 200);
  assert.equal(served.length, 4);
});

test("bodies that would take more memory together than they may are refused until others have gone", async (t) => {
  const server = await held(t, OK);
  const options = { bodyMaxBytes: 600_000, bodiesMaxBytes: 1_100_000 };
  const { url } = await gateway(t, [model("m", { endpoints: [server.url], slots: 9 })], options);
  const large = { padding: "x".repeat(500_000) };
  const first = chat(url, large);
  await t.waitFor(() => assert.equal(server.arrived(), 1), PATIENCE);
  const refused = await chat(url, large);
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers.get("retry-after")) >= 1);
  assert.equal((await errorOf(refused)).code, "server_overloaded");
  const small = chat(url, {});
  await t.waitFor(() => assert.equal(server.arrived(), 2), PATIENCE);
  server.release();
  server.release();
  assert.deepEqual([(await first).status, (await small).status], [200, 200]);
  const packed = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "content-encoding": "gzip" },
    body: gzipSync("not JSON"),
  });
  assert.equal(packed.status, 400);
  const again = chat(url, large);
  await t.waitFor(() => assert.equal(server.arrived(), 3), PATIENCE);
  server.release();
  assert.equal((await again).status, 200);
});

test("a model that loads is waited for, and then serves", async (t) => {
  const server = await upstream(t, answer(OK));
  const { url, setModels, requests, lines } = await gateway(t, [model("m", { state: "loading" })], {
    loadingTimeoutMs: 60_000,
  });
  const waiting = chat(url, { model: "m" });
  await t.waitFor(() => assert.equal(requests.count, 1), PATIENCE);
  setModels([model("m", { endpoints: [server.url] })]);
  assert.equal((await waiting).status, 200);
  await t.waitFor(() => assert.ok(Number(lines.at(-1)?.["waitedMs"]) >= 0), PATIENCE);
});

test("a model that crashes with its last endpoint is waited for", async (t) => {
  const back = await upstream(t, answer(OK));
  const crashing = await upstream(t, (socket) => {
    setModels([model("m", { state: "restarting" })]);
    socket.resetAndDestroy();
    setImmediate(() => setModels([model("m", { endpoints: [back.url] })]));
  });
  const { url, setModels } = await gateway(t, [model("m", { endpoints: [crashing.url] })], {
    loadingTimeoutMs: 60_000,
  });
  assert.equal((await chat(url, { model: "m" })).status, 200);
});

test("a client that hangs up in the queue never reaches a server", async (t) => {
  const server = await held(t, OK);
  const { url, requests, lines } = await gateway(t, [model("m", { endpoints: [server.url] })]);
  const inside = [chat(url, {}), chat(url, {})];
  await t.waitFor(() => assert.equal(server.arrived(), 2), PATIENCE);
  const hangUp = new AbortController();
  const waiting = chat(url, {}, { signal: hangUp.signal });
  await t.waitFor(() => assert.equal(requests.count, 3), PATIENCE);
  hangUp.abort();
  await assert.rejects(waiting);
  await t.waitFor(() => assert.equal(requests.count, 2), PATIENCE);
  server.release();
  server.release();
  await Promise.all(inside);
  assert.equal(server.arrived(), 2);
  await t.waitFor(
    () => assert.ok(lines.some((line) => line["outcome"] === "client gone")),
    PATIENCE,
  );
});

/** A server with no place left, behind a gateway that is quick to comment. */
async function busy(t: TestContext, text: string, options = {}) {
  const server = await held(t, text);
  const started = await gateway(t, [model("m", { endpoints: [server.url] })], {
    keepAliveMs: 5,
    ...options,
  });
  const inside = [chat(started.url, {}), chat(started.url, {})];
  await t.waitFor(() => assert.equal(server.arrived(), 2), PATIENCE);
  t.after(() => Promise.allSettled(inside));
  return { ...started, server };
}

async function releaseAll(t: TestContext, server: Awaited<ReturnType<typeof held>>) {
  server.release();
  server.release();
  await t.waitFor(() => assert.equal(server.arrived(), 3), PATIENCE);
  server.release();
}

describe("a stream that waits", () => {
  test("gets comments, then its events and nothing twice", async (t) => {
    const { url, server } = await busy(t, STREAM);
    const response = await chat(url, { stream: true });
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
    await releaseAll(t, server);
    const text = await response.text();
    assert.match(text, /^(: waiting[^\n]*\n)+data: \{/);
    assert.equal(text.replace(/^(: waiting[^\n]*\n)+/, ""), `${event("one")}data: [DONE]\n\n`);
  });

  test("is told in an event what would have been an error status", async (t) => {
    const body = {
      error: { message: "no", type: "invalid_request_error", param: null, code: "x" },
    };
    const { url, server } = await busy(t, json(body, "400 Bad Request"));
    const response = await chat(url, { stream: true });
    await releaseAll(t, server);
    const text = await response.text();
    assert.match(text, /\ndata: \{"error":\{"message":"no",.*"code":"x"\}\}\n\n$/);
    assert.doesNotMatch(text, /DONE/);
  });

  test("is told in an event that it waited in vain", async (t) => {
    const { url, server } = await busy(t, STREAM, { queueTimeoutMs: 300 });
    const response = await chat(url, { stream: true });
    const text = await response.text();
    assert.match(
      text,
      /^: waiting[^]*\ndata: \{"error":\{.*"code":"rate_limit_exceeded"\},"request_id":"[^"]+"\}\n\n$/,
    );
    server.release();
    server.release();
  });

  test("gets events, and no comments, if it asks for them", async (t) => {
    const { url, server } = await busy(t, STREAM);
    const wishes = { headers: { "x-localmodel-wait": "events" } };
    const response = await chat(url, { stream: true }, wishes);
    await releaseAll(t, server);
    const text = await response.text();
    const keepalives = /^(event: keepalive\ndata: \{"type":"keepalive","sequence_number":0\}\n\n)+/;
    assert.match(text, keepalives);
    assert.equal(text.replace(keepalives, ""), `${event("one")}data: [DONE]\n\n`);
  });

  test("of responses that is refused is told so in its last event, which Codex reads", async (t) => {
    const { url, server } = await busy(t, STREAM, { queueTimeoutMs: 300 });
    const response = await fetch(`${url}/v1/responses`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "m", input: "Hi", stream: true }),
    });
    const events = (await response.text()).matchAll(/^data: (.+)$/gm);
    const told = [...events].map(([, data = ""]) => JSON.parse(data) as object);
    assert.partialDeepStrictEqual(told, [
      { type: "error", sequence_number: 0, code: "rate_limit_exceeded" },
      {
        type: "response.failed",
        sequence_number: 1,
        response: { status: "failed", error: { code: "rate_limit_exceeded" } },
      },
    ]);
    server.release();
    server.release();
  });

  test("gets no comments if it would rather have a status", async (t) => {
    const { url, server } = await busy(t, STREAM, { queueTimeoutMs: 300 });
    const response = await chat(
      url,
      { stream: true },
      { headers: { "x-localmodel-wait": "silent" } },
    );
    assert.equal(response.status, 429);
    server.release();
    server.release();
  });
});
