import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";
import OpenAI, { AuthenticationError, NotFoundError, RateLimitError } from "openai";
import { chat, errorOf, model, startGateway } from "../fixtures/gateway.ts";
import { bearer, key, ringOf, secretOf } from "../fixtures/keys.ts";
import { answer, json, type Script, scriptedUpstream } from "../fixtures/scripted-upstream.ts";
import type { Keys } from "./key-source.ts";

/** A bound for a wait in vain. */
const PATIENCE = { timeout: 30_000 };

const OK = json({ ok: true });
const body = { model: "a" };

const held: Script = () => {};
const as = (name: string) => ({ headers: bearer(name) });

/** A gateway with these keys in front of models a, b and org/c, all served by one scripted upstream. */
async function scene(t: TestContext, keys: Keys, ...scripts: Script[]) {
  const clock = { ms: 0 };
  const upstream = await scriptedUpstream(...(scripts.length > 0 ? scripts : [answer(OK)]));
  t.after(() => upstream.close());
  const models = [
    model("a", { endpoints: [upstream.url] }),
    model("b", { endpoints: [upstream.url], aliases: ["gpt-4o"] }),
    model("org/c", { endpoints: [upstream.url] }),
  ];
  const gateway = await startGateway(models, { keys, now: () => clock.ms });
  t.after(() => gateway.close());
  return { ...gateway, upstream, clock };
}

describe("who gets in", () => {
  test("without keys any key is accepted, and none", async (t) => {
    const upstream = await scriptedUpstream(answer(OK));
    t.after(() => upstream.close());
    const { url, close } = await startGateway([model("a", { endpoints: [upstream.url] })]);
    t.after(close);
    assert.equal((await chat(url, body)).status, 200);
    assert.equal((await chat(url, body, { headers: bearer("whoever") })).status, 200);
  });

  test("with keys only these are, in whichever header clients send them", async (t) => {
    const { url } = await scene(t, ringOf(key("alice")));
    const alice = secretOf("alice");
    for (const headers of [
      { authorization: `Bearer ${alice}` },
      { authorization: `bearer  ${alice}` },
      { "x-api-key": alice },
      { "api-key": alice },
    ] as Record<string, string>[]) {
      assert.equal((await chat(url, body, { headers })).status, 200);
    }
  });

  test("no key, a wrong one and one in a wrong form are 401 in OpenAI's form, on every path", async (t) => {
    const { url } = await scene(t, ringOf(key("alice")));
    for (const headers of [
      {},
      { authorization: "Bearer sk-wrong" },
      { authorization: `Basic ${secretOf("alice")}` },
      { authorization: `Bearer ${secretOf("alice")} x` },
      { authorization: `Bearer ${key("alice").sha256}` },
      { authorization: "Bearer __proto__" },
    ] as Record<string, string>[]) {
      const answers = await Promise.all([
        chat(url, body, { headers }),
        fetch(`${url}/v1/models`, { headers }),
        fetch(`${url}/v1/models/a`, { headers }),
        fetch(`${url}/nothing`, { headers }),
      ]);
      for (const response of answers) {
        assert.equal(response.status, 401);
        assert.equal(response.headers.get("www-authenticate"), "Bearer");
        assert.equal(response.headers.get("x-should-retry"), "false");
        const { type, code, param } = await errorOf(response);
        assert.deepEqual([type, code, param], ["invalid_request_error", "invalid_api_key", null]);
      }
    }
  });

  test("the official client sees an AuthenticationError, and health needs no key", async (t) => {
    const { url, upstream } = await scene(t, ringOf(key("alice")));
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "sk-wrong" });
    await assert.rejects(client.models.list(), AuthenticationError);
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    assert.equal((await fetch(`${url}/readyz`)).status, 200);
    assert.equal(upstream.requests.length, 0);
  });

  test("a key that has expired is told so", async (t) => {
    const { url } = await scene(
      t,
      ringOf(
        key("old", { expires: "2020-01-01T00:00:00Z" }),
        key("new", { expires: "2999-01-01" }),
      ),
    );
    const response = await chat(url, body, as("old"));
    assert.equal(response.status, 401);
    const { code, message } = await errorOf(response);
    assert.equal(code, "invalid_api_key");
    assert.match(message, /expired at 2020-01-01T00:00:00Z/);
    assert.equal((await chat(url, body, as("new"))).status, 200);
  });

  test("a list without keys lets nobody in", async (t) => {
    const { url } = await scene(t, ringOf());
    assert.equal((await chat(url, body, as("alice"))).status, 401);
  });

  test("keys stand in no log line and in no answer; their names stand in the log", async (t) => {
    const { url, lines } = await scene(t, ringOf(key("alice")));
    await (await chat(url, body, as("alice"))).text();
    const wrong = await chat(url, body, { headers: { authorization: "Bearer sk-wrong-key" } });
    assert.doesNotMatch(await wrong.text(), /sk-wrong/);
    await t.waitFor(() => assert.equal(lines.filter((line) => line["path"]).length, 2), PATIENCE);
    const log = JSON.stringify(lines);
    assert.ok(!log.includes(secretOf("alice")) && !log.includes("sk-wrong"));
    assert.equal(lines[0]?.["key"], "alice");
  });
});

describe("which models", () => {
  const keys = ringOf(key("alice", { models: ["a", "org/*"] }), key("bob", { models: ["gpt-*"] }));

  test("a key sees the models it may use and no others", async (t) => {
    const { url } = await scene(t, keys);
    const ids = async (name: string) => {
      const list = (await (await fetch(`${url}/v1/models`, as(name))).json()) as {
        data: { id: string }[];
      };
      return list.data.map(({ id }) => id);
    };
    assert.deepEqual(await ids("alice"), ["a", "org/c"]);
    assert.deepEqual(await ids("bob"), ["b"]);
    assert.equal((await fetch(`${url}/v1/models/org/c`, as("alice"))).status, 200);
    assert.equal((await fetch(`${url}/v1/models/org/c`, as("bob"))).status, 404);
  });

  test("a model it may not use is the same 404 as one that does not exist", async (t) => {
    const { url, upstream } = await scene(t, keys);
    const [forbidden, unknown] = await Promise.all([
      chat(url, { model: "b" }, as("alice")),
      chat(url, { model: "x" }, as("alice")),
    ]);
    const [one, other] = [await errorOf(forbidden), await errorOf(unknown)];
    assert.deepEqual([forbidden.status, unknown.status], [404, 404]);
    assert.deepEqual(one, { ...other, message: other.message.replace("`x`", "`b`") });
    assert.match(one.message, /do not have access to it\. Available models: `a`, `org\/c`\.$/);
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: secretOf("alice") });
    await assert.rejects(client.models.retrieve("b"), NotFoundError);
    assert.equal(upstream.requests.length, 0);
  });

  test("an alias that is allowed allows its model, by whatever name", async (t) => {
    const { url } = await scene(t, keys);
    assert.equal((await chat(url, { model: "b" }, as("bob"))).status, 200);
    assert.equal((await chat(url, { model: "gpt-4o" }, as("bob"))).status, 200);
  });

  test("a request that names no model gets the only one its key may use", async (t) => {
    const { url } = await scene(t, keys);
    assert.equal((await chat(url, {}, as("bob"))).status, 200);
    assert.equal((await chat(url, {}, as("alice"))).status, 400);
  });
});

describe("how much", () => {
  test("over its requests a key gets a 429 that the SDKs know how to wait for", async (t) => {
    const { url, clock } = await scene(
      t,
      ringOf(key("alice", { requestsPerMinute: 2 }), key("bob")),
    );
    const first = await chat(url, body, as("alice"));
    assert.equal(first.headers.get("x-ratelimit-limit-requests"), "2");
    assert.equal(first.headers.get("x-ratelimit-remaining-requests"), "1");
    await chat(url, body, as("alice"));
    const refused = await chat(url, body, as("alice"));
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get("retry-after"), "30");
    assert.equal(refused.headers.get("x-ratelimit-remaining-requests"), "0");
    assert.equal(refused.headers.get("x-ratelimit-reset-requests"), "1m0s");
    const { type, code, message } = await errorOf(refused);
    assert.deepEqual([type, code], ["rate_limit_error", "rate_limit_exceeded"]);
    assert.match(message, /key `alice`: 2 requests per minute/);
    // Nobody else's business, and lists of models cost nothing.
    assert.equal((await chat(url, body, as("bob"))).status, 200);
    assert.equal((await fetch(`${url}/v1/models`, as("alice"))).status, 200);
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: secretOf("alice"), maxRetries: 0 });
    const messages = [{ role: "user" as const, content: "Hi" }];
    await assert.rejects(client.chat.completions.create({ model: "a", messages }), RateLimitError);
    clock.ms += 30_000;
    assert.equal((await chat(url, body, as("alice"))).status, 200);
  });

  test("no client may say what its answer cost", async (t) => {
    const keys = ringOf(key("alice"));
    const { url, upstream } = await scene(t, keys);
    const headers = {
      ...as("alice").headers,
      "x-localmodel-usage": "prompt=0 completion=0",
      "x-localmodel-tenant": "bob",
    };
    await chat(url, body, { headers });
    const head = upstream.requests[0]?.head ?? "";
    assert.match(head, /^x-localmodel-tenant: alice$/m);
    assert.doesNotMatch(head, /bob|x-localmodel-usage|authorization/i);
  });

  test("only so many requests may be open, whatever becomes of them", async (t) => {
    const { url } = await scene(t, ringOf(key("alice", { concurrency: 1 })), held, answer(OK));
    const leaving = new AbortController();
    const open = chat(url, body, { ...as("alice"), signal: leaving.signal });
    await t.waitFor(async () => {
      const refused = await chat(url, body, as("alice"));
      assert.equal(refused.status, 429);
      assert.match((await errorOf(refused)).message, /1 request at the same time/);
    }, PATIENCE);
    leaving.abort();
    await assert.rejects(open);
    await t.waitFor(
      async () => assert.equal((await chat(url, body, as("alice"))).status, 200),
      PATIENCE,
    );
  });
});
