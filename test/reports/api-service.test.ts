/** What clients of all kinds do with the API service before they ask for an answer, and while they wait for one. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { text as textOf } from "node:stream/consumers";
import { test } from "node:test";
import { chat, gateway, model } from "../../services/api/fixtures/gateway.ts";
import { chunk, SSE_HEAD, upstream } from "../../services/api/fixtures/scripted-upstream.ts";

/** A bound for a wait in vain. */
const PATIENCE = { timeout: 30_000 };

const FACTS = {
  architecture: "llama",
  parameters: 1,
  quantization: "F16",
  sizeBytes: 1,
  trainContextTokens: 8192,
  contextTokens: 8192,
  slots: 1,
  vocabularyTokens: 10,
  embeddingDimensions: 4,
  memoryBytes: { ram: 1, vram: 0 },
  sampling: {},
  fingerprint: "fp",
};

function facts(...capabilities: ("chat" | "completions" | "embeddings")[]) {
  return { facts: { ...FACTS, capabilities } };
}

test("the first model of the list is one that chats, and the order is else the one in which they were named", async (t) => {
  const { url } = await gateway(t, [
    model("embeds", facts("embeddings")),
    model("loads", { state: "loading" }),
    model("completes", facts("completions")),
    model("chats", facts("chat", "completions")),
    model("chats-too", facts("chat", "completions")),
  ]);
  const { data } = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string }[] };
  assert.deepEqual(
    data.map(({ id }) => id),
    ["chats", "chats-too", "loads", "completes", "embeds"],
  );
});

test("GET /health answers as llama-server does, and / and /v1 say where the API is", async (t) => {
  const { url } = await gateway(t, [model("a")]);
  const health = await fetch(`${url}/health`);
  assert.deepEqual([health.status, await health.json()], [200, { status: "ok" }]);
  for (const path of ["/", "/v1", "/v1/"]) {
    const response = await fetch(url + path);
    assert.equal(response.status, 200, path);
    const { message, endpoints } = (await response.json()) as Record<string, unknown>;
    assert.match(String(message), /base URL ends with \/v1/);
    assert.deepEqual((endpoints as string[]).slice(0, 2), ["/v1/models", "/v1/chat/completions"]);
  }
});

test("a page of an origin that is not allowed is told how it could be", async (t) => {
  const { url } = await gateway(t, [model("a")]);
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "OPTIONS",
    headers: { origin: "http://localhost:5173", "access-control-request-method": "POST" },
  });
  assert.equal(response.status, 403);
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  assert.equal(error.code, "origin_not_allowed");
  assert.match(error.message, /"http:\/\/localhost:5173".*--cors/);
});

/** As openai-go and others read a stream: a blank line is the end of an event, whatever came before it. */
function eventsOfAnOldDecoder(text: string): string[] {
  const events: string[] = [];
  let data = "";
  for (const line of text.split("\n").slice(0, -1)) {
    if (line === "") {
      events.push(data);
      data = "";
    } else if (line.startsWith("data: ")) data += line.slice("data: ".length);
  }
  return events;
}

test("a stream that waits has no empty event in it, for decoders that end one at every blank line", async (t) => {
  const release = Promise.withResolvers<void>();
  const event = 'data: {"choices":[]}\n\n';
  const parts = [": keep-alive\n", event, ": keep-alive\n", event, "data: [DONE]\n\n"];
  const server = await upstream(t, async (socket) => {
    await release.promise;
    socket.end(`${SSE_HEAD}${parts.map(chunk).join("")}0\r\n\r\n`);
  });
  const { url } = await gateway(t, [model("a", { endpoints: [server.url] })], { keepAliveMs: 5 });
  const inside = [chat(url, { model: "a" }), chat(url, { model: "a" })];
  await t.waitFor(() => assert.equal(server.requests.length, 2), PATIENCE);
  const response = await chat(url, { model: "a", stream: true });
  release.resolve();
  await Promise.all(inside);
  const received = await response.text();
  assert.match(received, /^: waiting for a free slot\n(?!\n)/);
  const events = eventsOfAnOldDecoder(received);
  assert.deepEqual(events, ['{"choices":[]}', '{"choices":[]}', "[DONE]"]);
});

test("a client that closes its side of the connection after its request is answered", async (t) => {
  const release = Promise.withResolvers<void>();
  const answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
  const server = await upstream(t, async (socket) => {
    await release.promise;
    socket.end(answer);
  });
  const { port } = await gateway(t, [model("a", { endpoints: [server.url] })]);
  const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  t.after(() => client.destroy());
  const body = JSON.stringify({ model: "a", messages: [] });
  const head =
    "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json";
  client.end(`${head}\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  client.once("data", () => release.resolve());
  assert.match(await textOf(client), /^HTTP\/1\.1 102 [^]*HTTP\/1\.1 200 OK[^]*\{\}$/);
});
