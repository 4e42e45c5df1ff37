import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoint } from "@localmodel/inference/endpoint.ts";
import { exposition } from "@localmodel/telemetry/metrics/exposition.ts";
import { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import { plain } from "../../test/support/plain-dialect.ts";
import { ENDPOINTS } from "./endpoints.ts";
import { gateway, model } from "./fixtures/gateway.ts";
import { bearer, key, ringOf } from "./fixtures/keys.ts";
import { answer, chunk, json, type Script, upstream } from "./fixtures/scripted-upstream.ts";

const TELL: Endpoint = {
  method: "POST",
  path: "/toy/tell",
  operation: "generate",
  capability: "chat",
  telemetryName: "tell",
  dialect: plain,
  fields: { model: "llm", stream: "live", prompt: "story" },
  reusesPrefixes: true,
};

const endpoints = [...ENDPOINTS, TELL];

function tell(url: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/toy/tell`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

const EVENT = 'event: word\ndata: {"word":"once"}\n\n';
const HEAD =
  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const cutAfter =
  (...parts: readonly string[]): Script =>
  (socket) =>
    void socket.end(HEAD + parts.map(chunk).join(""));

test("an endpoint is public when it has a row, and routed by the fields that its row names", async (t) => {
  const server = await upstream(t, answer(json({ told: true })));
  const models = [model("a"), model("b", { endpoints: [server.url] })];
  const { url } = await gateway(t, models, { endpoints });
  const response = await tell(url, { llm: "b", model: "a", story: [] });
  assert.deepEqual([response.status, await response.json()], [200, { told: true }]);
  assert.match(server.requests[0]?.head ?? "", /^POST \/toy\/tell /);
  const without = await gateway(t, models);
  assert.equal((await tell(without.url, { llm: "b" })).status, 404);
});

test("stories that begin alike meet at one server", async (t) => {
  const servers = await Promise.all([1, 2, 3].map(() => upstream(t, answer(json({})))));
  const models = [model("a", { endpoints: servers.map((one) => one.url) })];
  const { url } = await gateway(t, models, { endpoints });
  const story = [{ text: "x".repeat(2000) }];
  for (let turn = 0; turn < 6; turn++) {
    await (await tell(url, { llm: "a", story: [...story, { text: String(turn) }] })).text();
  }
  const busy = servers.filter(({ requests }) => requests.length > 0);
  assert.deepEqual(
    busy.map(({ requests }) => requests.length),
    [6],
  );
});

test("its failures are told in its dialect, before a stream and inside it", async (t) => {
  const server = await upstream(t, cutAfter(EVENT));
  const models = [model("a", { endpoints: [server.url] })];
  const { url } = await gateway(t, models, { endpoints });
  const unknown = await tell(url, { llm: "nobody" });
  assert.equal(unknown.status, 404);
  assert.deepEqual(Object.keys((await unknown.json()) as object), ["oops"]);
  const malformed = await tell(url, { llm: 7 });
  assert.match(((await malformed.json()) as { oops: string }).oops, /'llm'/);
  const broken = await (await tell(url, { llm: "a", live: true })).text();
  assert.match(broken, /^event: word\ndata: .*\n\nevent: oops\ndata: \{"oops":/);
  assert.doesNotMatch(broken, /DONE/);
});

test("a stream that had its own end is complete, however its connection ends", async (t) => {
  const server = await upstream(t, cutAfter(EVENT, plain.stream.end));
  const { url } = await gateway(t, [model("a", { endpoints: [server.url] })], { endpoints });
  const whole = await (await tell(url, { llm: "a", live: true })).text();
  assert.equal(whole, EVENT + plain.stream.end);
});

test("its keys are charged and its requests counted", async (t) => {
  const usage = "x-localmodel-usage: prompt=40 completion=2\r\n";
  const server = await upstream(t, answer(json({}, "200 OK", usage)));
  const metrics = new MetricRegistry();
  const { url } = await gateway(t, [model("a", { endpoints: [server.url] })], {
    endpoints,
    metrics,
    keys: ringOf(key("alice", { tokensPerMinute: 100 })),
  });
  const send = () => tell(url, { llm: "a" }, bearer("alice"));
  await (await send()).text();
  const second = await send();
  assert.equal(second.headers.get("x-ratelimit-remaining-tokens"), "58");
  const { text } = exposition(metrics);
  assert.match(text, /http_route="\/toy\/tell"/);
});
