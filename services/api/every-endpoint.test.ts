/**
 * What the API service derives from the row of an endpoint, for every row there is: a new one is queued, balanced, charged
 * and limited without anybody thinking of it. test/every-endpoint.test.ts goes the whole way with real models.
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ENDPOINTS } from "./endpoints.ts";
import { BODIES } from "./fixtures/endpoint-bodies.ts";
import { gateway, model } from "./fixtures/gateway.ts";
import { bearer, key, ringOf } from "./fixtures/keys.ts";
import { answer, json, type Script, upstream } from "./fixtures/scripted-upstream.ts";

/** Of a server with one slot: what it works on and what it has ready. */
const PLACES = 2;
const LONG = `Once upon a time ${"there was a king ".repeat(60)}`;

const never: Script = () => {};

/** In the form of the endpoint's own, with another end each time. */
function promptOf(path: string, field: string, end: string): unknown {
  const was = (BODIES[path] as Readonly<Record<string, unknown>>)[field];
  if (!Array.isArray(was) || field === "tokens") return LONG + end;
  return [LONG, end].map((content) => ({ role: "user", content }));
}

for (const endpoint of ENDPOINTS) {
  const { path, fields, evaluates, reusesPrefixes, answerTokens } = endpoint;
  const post = (url: string, body: object = {}, headers: Record<string, string> = {}) =>
    fetch(url + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ ...BODIES[path], [fields.model]: "b", ...body }),
    });

  suite(path, () => {
    test("is routed by its model, as the client wrote it", async (t) => {
      const server = await upstream(t, answer(json({ ok: true })));
      const models = [model("a"), model("b", { endpoints: [server.url] })];
      const { url } = await gateway(t, models);
      assert.equal((await post(url)).status, 200);
      assert.match(server.requests[0]?.head ?? "", new RegExp(`^POST ${path} `));
      const sent = JSON.stringify({ ...BODIES[path], [fields.model]: "b" });
      assert.equal(server.requests[0]?.body.toString(), sent);
      assert.equal((await post(url, { [fields.model]: "c" })).status, 404);
    });

    test("waits for a place where something is evaluated, and nowhere else", async (t) => {
      const releases: (() => void)[] = [];
      const held: Script = (socket) => void releases.push(() => socket.write(json({ ok: true })));
      const server = await upstream(t, held);
      const models = [model("b", { endpoints: [server.url], slots: 1 })];
      const { url } = await gateway(t, models, { maxQueuedRequests: 0 });
      const arrived = (count: number) =>
        t.waitFor(() => assert.equal(server.requests.length, count), { timeout: 20_000 });
      const open: Promise<Response>[] = [];
      const takes = evaluates === false ? 1 : PLACES;
      for (let taken = 0; taken < takes; taken++) open.push(post(url));
      await arrived(takes);
      const next = post(url);
      if (evaluates === false) await arrived(takes + 1);
      else assert.equal((await next).status, 429);
      for (const release of releases) release();
      await Promise.all([...open, next]);
    });

    const { stream } = fields;
    if (stream !== undefined && evaluates !== false) {
      test("keeps a stream that waits open in its dialect's words, and ends it in them", async (t) => {
        const server = await upstream(t, never);
        const models = [model("b", { endpoints: [server.url], slots: 1 })];
        const { url } = await gateway(t, models, { keepAliveMs: 5, queueTimeoutMs: 300 });
        const left = new AbortController();
        const inside = Array.from({ length: PLACES }, () =>
          fetch(url + path, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ ...BODIES[path], [fields.model]: "b" }),
            signal: left.signal,
          }).catch(() => {}),
        );
        await t.waitFor(() => assert.equal(server.requests.length, PLACES), { timeout: 20_000 });
        const response = await post(url, { [stream]: true });
        const form = endpoint.dialect.stream;
        assert.deepEqual(
          [response.status, response.headers.get("content-type")],
          [200, form.contentType],
        );
        const text = await response.text();
        const kept = form.comment("waiting for a free slot");
        assert.ok(text.startsWith(kept + kept), text);
        let rest = text;
        while (rest.startsWith(kept)) rest = rest.slice(kept.length);
        assert.match(rest, /^(event: error\n)?(data: )?\{.*"error":.*Please retry later/);
        left.abort();
        await Promise.all(inside);
      });
    }

    test("is charged for what its server counted, and refused beyond its key's limit", async (t) => {
      const usage = "x-localmodel-usage: prompt=400 completion=2\r\n";
      const server = await upstream(t, answer(json({ ok: true }, "200 OK", usage)));
      const { url } = await gateway(t, [model("b", { endpoints: [server.url] })], {
        keys: ringOf(key("alice", { tokensPerMinute: 1000 }), key("bob", { models: ["a"] })),
        now: () => 0,
      });
      const left: number[] = [];
      for (let count = 0; count < 3; count++) {
        const response = await post(url, {}, bearer("alice"));
        left.push(Number(response.headers.get("x-ratelimit-remaining-tokens")));
        await response.text();
      }
      assert.equal((left[0] ?? 0) - (left[1] ?? 0), 402);
      assert.equal((await post(url, {}, bearer("alice"))).status, 429);
      assert.ok([403, 404].includes((await post(url, {}, bearer("bob"))).status));
      assert.equal((await post(url, {}, { "x-api-key": "sk-none" })).status, 401);
    });

    test("meets its own beginning again where that is worth something", async (t) => {
      const servers = await Promise.all([1, 2, 3].map(() => upstream(t, answer(json({})))));
      const { url } = await gateway(t, [model("b", { endpoints: servers.map((one) => one.url) })]);
      for (let turn = 0; turn < 6; turn++) {
        await (
          await post(url, { [fields.prompt]: promptOf(path, fields.prompt, String(turn)) })
        ).text();
      }
      const busy = servers.map(({ requests }) => requests.length).filter((count) => count > 0);
      if (reusesPrefixes) assert.deepEqual(busy, [6]);
      else
        assert.equal(
          busy.reduce((sum, count) => sum + count, 0),
          6,
        );
    });

    test("has a maximum that its key's limit can set aside, where it answers in tokens", async (t) => {
      if (answerTokens === undefined) return;
      const releases: (() => void)[] = [];
      const held: Script = (socket) => void releases.push(() => socket.write(json({})));
      const server = await upstream(t, held);
      const { url } = await gateway(t, [model("b", { endpoints: [server.url], slots: 4 })], {
        keys: ringOf(...["alice", "bob"].map((one) => key(one, { tokensPerMinute: 1000 }))),
        now: () => 0,
      });
      const [name = ""] = answerTokens.maximum;
      const [outer = "", inner] = name.split(".");
      const asked = (most: number, by: string) =>
        post(url, { [outer]: inner === undefined ? most : { [inner]: most } }, bearer(by));
      const arrived = (count: number) =>
        t.waitFor(() => assert.equal(server.requests.length, count), { timeout: 20_000 });
      const all = asked(2000, "alice");
      await arrived(1);
      assert.equal((await asked(10, "alice")).status, 429);
      const few = [asked(10, "bob")];
      await arrived(2);
      few.push(asked(10, "bob"));
      await arrived(3);
      for (const release of releases) release();
      for (const response of await Promise.all([all, ...few])) assert.equal(response.status, 200);
    });
  });
}
