/** Anthropic's official client at the API service: keys, failures and streams are in its own words. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { gateway, model } from "./fixtures/gateway.ts";
import { key, ringOf, secretOf } from "./fixtures/keys.ts";
import { answer, chunk, json, SSE_HEAD, upstream } from "./fixtures/scripted-upstream.ts";

const asked = {
  model: "a",
  max_tokens: 16,
  messages: [{ role: "user" as const, content: "Hi" }],
};

const MESSAGE = { id: "msg_1", type: "message", role: "assistant", content: [], model: "a" };

function clientOf(url: string, apiKey: string): Anthropic {
  return new Anthropic({ baseURL: url, apiKey, maxRetries: 0 });
}

async function failureOf(request: PromiseLike<unknown>) {
  try {
    await request;
  } catch (error) {
    assert.ok(error instanceof Anthropic.APIError, String(error));
    const body = error.error as { type: string; error: { type: string }; request_id?: string };
    return { status: error.status as number, type: body.error.type, body, id: error.requestID };
  }
  throw new assert.AssertionError({ message: "It did not fail." });
}

async function scene(t: TestContext, ...keys: Parameters<typeof key>[]) {
  const server = await upstream(t, answer(json(MESSAGE)));
  const { url } = await gateway(
    t,
    [model("a", { endpoints: [server.url] }), model("b", { state: "loading" })],
    { keys: ringOf(...keys.map((one) => key(...one))) },
  );
  return { url, server };
}

test("a key is taken from x-api-key, and is none of the model server's business", async (t) => {
  const { url, server } = await scene(t, ["alice"]);
  const client = clientOf(url, secretOf("alice"));
  assert.equal((await client.messages.create(asked)).id, "msg_1");
  const head = server.requests[0]?.head ?? "";
  assert.match(head, /^POST \/v1\/messages /);
  assert.doesNotMatch(head, /x-api-key/i);
});

test("whatever is refused is refused in Anthropic's form, with the id of the request", async (t) => {
  const { url } = await scene(t, ["alice"], ["poor", { requestsPerMinute: 1 }]);
  const alice = clientOf(url, secretOf("alice"));
  const poor = clientOf(url, secretOf("poor"));
  await poor.messages.create(asked);
  for (const [request, status, type] of [
    [clientOf(url, "sk-wrong").messages.create(asked), 401, "authentication_error"],
    [alice.messages.create({ ...asked, model: "nobody" }), 404, "not_found_error"],
    [poor.messages.create(asked), 429, "rate_limit_error"],
    [alice.messages.create({ ...asked, model: "b" }), 503, "overloaded_error"],
    [alice.messages.create({ ...asked, model: 7 as never }), 400, "invalid_request_error"],
  ] as const) {
    const failure = await failureOf(request);
    assert.deepEqual([failure.status, failure.type], [status, type]);
    assert.equal(failure.body.type, "error");
    assert.ok(failure.id);
    assert.equal(failure.body.request_id, failure.id);
  }
});

const frame = (type: string, fields: object = {}) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

test("a stream that breaks ends with an error that the client throws", async (t) => {
  const start = frame("message_start", { message: { ...MESSAGE, usage: { output_tokens: 0 } } });
  const server = await upstream(t, (socket) => void socket.end(SSE_HEAD + chunk(start)));
  const { url } = await gateway(t, [model("a", { endpoints: [server.url] })]);
  const stream = clientOf(url, "any").messages.stream(asked);
  const seen: string[] = [];
  const failure = await failureOf(
    (async () => {
      for await (const { type } of stream) seen.push(type);
    })(),
  );
  assert.deepEqual(seen, ["message_start"]);
  assert.equal(failure.type, "overloaded_error");
});

test("models are listed and found as Anthropic's client knows them", async (t) => {
  const { url } = await scene(t, ["alice"]);
  const { models } = clientOf(url, secretOf("alice"));
  const listed = [];
  for await (const one of models.list()) listed.push(one);
  assert.deepEqual(
    listed.map(({ type, id, display_name }) => [type, id, display_name]),
    [
      ["model", "a", "a"],
      ["model", "b", "b"],
    ],
  );
  const found = await models.retrieve("b");
  assert.deepEqual([found.type, found.id], ["model", "b"]);
  assert.ok(!Number.isNaN(Date.parse(found.created_at)));
  const failure = await failureOf(models.retrieve("nobody"));
  assert.deepEqual([failure.status, failure.type], [404, "not_found_error"]);
});

test("what this server does not have is refused in Anthropic's form, with the id of the request", async (t) => {
  const { url } = await scene(t, ["alice"]);
  const failure = await failureOf(clientOf(url, secretOf("alice")).messages.batches.list());
  assert.deepEqual([failure.status, failure.type], [404, "not_found_error"]);
  assert.ok(failure.id);
  assert.equal(failure.body.request_id, failure.id);
});

test("each API's answers have its own headers and no other's", async (t) => {
  const { url } = await scene(t, ["alice"]);
  const headersOf = async (path: string, more: Record<string, string> = {}) => {
    const { headers } = await fetch(url + path, { method: "POST", headers: more, body: "{}" });
    return ["request-id", "openai-version"].filter((name) => headers.has(name));
  };
  assert.deepEqual(await headersOf("/v1/messages"), ["request-id"]);
  assert.deepEqual(await headersOf("/v1/nothing", { "anthropic-version": "x" }), ["request-id"]);
  for (const path of ["/v1/responses", "/v1/chat/completions", "/v1/nothing"]) {
    assert.deepEqual(await headersOf(path), ["openai-version"], path);
  }
  assert.deepEqual(await headersOf("/api/chat"), []);
});

test("what a key has left is told in Anthropic's headers, too, with the time at which it has all of it again", async (t) => {
  const { url } = await scene(t, ["alice", { requestsPerMinute: 2, tokensPerMinute: 1000 }]);
  const before = Date.now();
  const { response } = await clientOf(url, secretOf("alice")).messages.create(asked).withResponse();
  const left = (name: string) => response.headers.get(`anthropic-ratelimit-${name}`);
  assert.deepEqual(
    [left("requests-limit"), left("requests-remaining"), left("tokens-limit")],
    ["2", "1", "1000"],
  );
  const reset = left("requests-reset") ?? "";
  assert.match(reset, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.ok(Date.parse(reset) >= before && Date.parse(reset) <= Date.now() + 61_000);
  assert.equal(response.headers.get("x-ratelimit-limit-requests"), "2");
});

test("what a key has left is told to no other client in Anthropic's headers", async (t) => {
  const { url } = await scene(t, ["alice", { requestsPerMinute: 2 }]);
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${secretOf("alice")}` },
    body: JSON.stringify(asked),
  });
  await response.text();
  assert.equal(response.headers.get("x-ratelimit-limit-requests"), "2");
  assert.equal(response.headers.get("anthropic-ratelimit-requests-limit"), null);
});
