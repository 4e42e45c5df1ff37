/** What clients see of a cluster's model that has no pods while they ask for it. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Directory, DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import { exposition } from "@localmodel/telemetry/metrics/exposition.ts";
import { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import type { Span, SpanOptions, Tracer } from "@localmodel/telemetry/spans/span.ts";
import { DemandFeed } from "../demand/feed.ts";
import OpenAI from "openai";
import { chat, errorOf, gateway, model } from "../fixtures/gateway.ts";
import { bearer, key, ringOf } from "../fixtures/keys.ts";
import {
  answer,
  chunk,
  END,
  event,
  json,
  SSE_HEAD,
  upstream,
} from "../fixtures/scripted-upstream.ts";

const PATIENCE = { timeout: 30_000 };
const STREAM = SSE_HEAD + chunk(event("one")) + chunk("data: [DONE]\n\n") + END;
const SLEEPS = { scales: true, activationTimeoutSeconds: 600, server: "a/m" };
const ASLEEP = model("m", { ...SLEEPS, state: "asleep", message: "Nobody uses it." });

type Options = NonNullable<Parameters<typeof gateway>[2]>;

async function setUp(t: TestContext, first: DirectoryModel, options: Options = {}) {
  let directory: Directory = { models: [first] };
  const feed = new DemandFeed("api-0");
  const api = await gateway(t, [], {
    directory: { current: () => directory, known: true, sleep: feed },
    adminFromLoopback: true,
    ...options,
  });
  let waiting = 0;
  const subscription = feed.subscribe({
    write: (line) => {
      waiting = (JSON.parse(line) as { models: { queued: number }[] }).models[0]?.queued ?? 0;
      return true;
    },
    end: () => {},
  });
  t.after(() => subscription[Symbol.dispose]());
  const wait = (count: number) => t.waitFor(() => assert.equal(waiting, count), PATIENCE);
  const become = (changed: DirectoryModel) => void (directory = { models: [changed] });
  return { api, become, wait };
}

test("fifty streams wait, hear so, and are answered when the model has woken; the gateway may be ending", async (t) => {
  const { api, become, wait } = await setUp(t, ASLEEP, { keepAliveMs: 20 });
  const answers = Array.from({ length: 50 }, () => chat(api.url, { model: "m", stream: true }));
  await wait(50);
  const { body } = await (answers[0] ?? assert.fail());
  const reader = (body ?? assert.fail()).pipeThrough(new TextDecoderStream()).getReader();
  assert.match((await reader.read()).value ?? "", /^: the model is asleep: Nobody uses it\./);
  void api.requests.drain();
  const server = await upstream(t, answer(STREAM));
  become({ ...ASLEEP, state: "ready", endpoints: [server.url], slots: 4 });
  for (const response of answers.slice(1)) {
    assert.match(await (await response).text(), /one[^]*\[DONE\]/);
  }
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
  assert.match(text, /\[DONE\]/);
  assert.equal(server.requests.length, 50);
});

test("a client that shows what models think is shown what its stream waits for, once for each change", async (t) => {
  const { api, become, wait } = await setUp(t, ASLEEP, { keepAliveMs: 20 });
  const client = new OpenAI({ baseURL: `${api.url}/v1`, apiKey: "none", maxRetries: 0 });
  const asking = client.chat.completions.create(
    { model: "m", stream: true, messages: [{ role: "user", content: "Hello" }] },
    { headers: { "x-localmodel-wait": "reasoning" } },
  );
  await wait(1);
  const shown: string[] = [];
  for await (const { choices } of await asking) {
    const delta = choices[0]?.delta as { reasoning_content?: string; content?: string };
    if (delta.reasoning_content === undefined) continue;
    shown.push(delta.reasoning_content);
    if (shown.length === 1) become({ ...ASLEEP, state: "loading", progress: 0.5, message: "x" });
    else {
      const server = await upstream(t, answer(STREAM));
      become({ ...ASLEEP, state: "ready", endpoints: [server.url], slots: 4 });
    }
  }
  assert.deepEqual(shown.slice(0, 2), [
    "the model is asleep: Nobody uses it.\n",
    "the model is loading 50 %: x\n",
  ]);
});

test("a client that asks for the events of LM Studio is told of the load by them, before its answer", async (t) => {
  const { api, become, wait } = await setUp(t, ASLEEP, { keepAliveMs: 20 });
  const wishes = { headers: { "x-localmodel-wait": "events" } };
  const { body } = await chat(api.url, { model: "m", stream: true }, wishes);
  await wait(1);
  const reader = (body ?? assert.fail()).pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const until = async (told: string): Promise<void> => {
    while (!text.includes(told)) text += (await reader.read()).value ?? assert.fail(text);
  };
  await until("model_load.start");
  become({ ...ASLEEP, state: "loading", progress: 0.5, message: "x" });
  await until("model_load.progress");
  const server = await upstream(t, answer(STREAM));
  become({ ...ASLEEP, state: "ready", endpoints: [server.url], slots: 4 });
  await until("[DONE]");
  const named = [...text.matchAll(/^event: (.+)\ndata: (.+)$/gm)];
  const told = named
    .map(([, name = "", data = ""]) => [name, JSON.parse(data) as object] as const)
    .filter(([name]) => name !== "keepalive");
  const instance = { model_instance_id: "m" };
  assert.deepEqual(told.slice(0, 2), [
    ["model_load.start", { type: "model_load.start", ...instance }],
    ["model_load.progress", { type: "model_load.progress", ...instance, progress: 0.5 }],
  ]);
  assert.deepEqual(
    told.slice(2).map(([name]) => name),
    ["model_load.end"],
  );
  assert.ok(text.indexOf("model_load.end") < text.indexOf("one"));
});

test("downloads are waited for, and what needs a person ends the wait with its reason", async (t) => {
  const { api, become, wait } = await setUp(t, ASLEEP);
  const answers = [chat(api.url, { model: "m" }), chat(api.url, { model: "m" })];
  await wait(2);
  become({ ...ASLEEP, state: "downloading", message: "Downloading the weights: 3 %." });
  const late = chat(api.url, { model: "m" });
  await wait(3);
  become({ ...ASLEEP, state: "failed", message: "The kernel ended the container at its limit." });
  for (const response of await Promise.all([...answers, late])) {
    assert.equal(response.status, 503);
    const { code, message } = await errorOf(response);
    assert.equal(code, "model_failed");
    assert.match(message, /ended the container at its limit/);
  }
});

test("metrics tell how many requests are held, and how long they waited", async (t) => {
  const metrics = new MetricRegistry();
  const { api, become, wait } = await setUp(t, ASLEEP, { metrics });
  const answers = [1, 2].map(() => chat(api.url, { model: "m" }));
  await wait(2);
  const label = '{localmodel_model="m"}';
  const text = () => exposition(metrics, undefined).text;
  assert.ok(text().includes(`localmodel_requests_held${label} 2\n`));
  const server = await upstream(t, answer(json({ ok: true })));
  become({ ...ASLEEP, state: "ready", endpoints: [server.url], slots: 4 });
  for (const response of await Promise.all(answers)) assert.equal(response.status, 200);
  assert.ok(text().includes(`localmodel_requests_held${label} 0\n`));
  assert.ok(text().includes(`localmodel_wake_wait_seconds_count${label} 2\n`));
});

test("a trace tells what a request waited for, one cause after the other", async (t) => {
  const spans: [name: string, reason: string, childOf: string][] = [];
  const { api, become, wait } = await setUp(
    t,
    { ...ASLEEP, reason: "Asleep" },
    { tracer: noting(spans) },
  );
  const answering = chat(api.url, { model: "m" });
  await wait(1);
  const states = [
    { state: "pending", reason: "Scheduling", name: "schedule" },
    { state: "pending", reason: "PullingImage", name: "pull" },
    { state: "downloading", reason: "Downloading", name: "fetch" },
    { state: "loading", reason: "Loading", name: "load" },
  ] as const;
  for (const [index, { state, reason }] of states.entries()) {
    become({ ...ASLEEP, state, reason, message: "" });
    // That of the routing, and of each phase that is over.
    await t.waitFor(() => assert.equal(spans.length, 2 + index), PATIENCE);
  }
  const server = await upstream(t, answer(json({ ok: true })));
  become({ ...ASLEEP, state: "ready", endpoints: [server.url], slots: 4 });
  assert.equal((await answering).status, 200);
  await t.waitFor(() => assert.equal(spans.at(-1)?.[0], "POST /v1/chat/completions"), PATIENCE);
  const waited = spans.filter(([, , parent]) => parent === "queue");
  assert.deepEqual(
    waited.filter(([name]) => name !== "slot"),
    [["wake", "Asleep", "queue"], ...states.map(({ name, reason }) => [name, reason, "queue"])],
  );
});

test("who hangs up waits no longer, and the others do", async (t) => {
  const { api, wait } = await setUp(t, ASLEEP);
  const leaving = new AbortController();
  const gone = [1, 2].map(() => chat(api.url, { model: "m" }, { signal: leaving.signal }));
  const staying = chat(api.url, { model: "m" });
  await wait(3);
  leaving.abort();
  for (const one of gone) await assert.rejects(one);
  await wait(1);
  await api.close();
  await assert.rejects(staying);
});

test("beyond maxHeldRequests the key that has most of them makes room for others", async (t) => {
  const [hog, other] = [key("hog"), key("other")];
  const { api, wait } = await setUp(t, ASLEEP, { maxHeldRequests: 4, keys: ringOf(hog, other) });
  const ask = ({ name }: typeof hog) => chat(api.url, { model: "m" }, { headers: bearer(name) });
  const hogs = Array.from({ length: 4 }, () => ask(hog));
  await wait(4);
  assert.equal((await ask(hog)).status, 429);
  const late = ask(other);
  assert.equal((await Promise.race(hogs)).status, 429);
  await wait(4);
  await api.close();
  await assert.rejects(late);
  await Promise.allSettled(hogs);
});

test("whoever asks for nothing but to be rid of a model wakes none, and does not decide about its pods", async (t) => {
  const { api, become, wait } = await setUp(t, ASLEEP);
  const stop = (path: string, body: object) =>
    fetch(`${api.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "m", keep_alive: 0, ...body }),
    });
  const reasons = [
    await stop("/api/generate", {}),
    await stop("/api/generate", { prompt: "", images: [], stream: false }),
    await stop("/api/chat", {}),
    await stop("/api/chat", { messages: [] }),
  ].map(async (response) => ((await response.json()) as { done_reason: string }).done_reason);
  assert.deepEqual(new Set(await Promise.all(reasons)), new Set(["unload"]));
  const asking = stop("/api/generate", { prompt: "Hello" });
  await wait(1);
  const server = await upstream(t, answer(json({ done_reason: "stop" })));
  become({ ...ASLEEP, state: "ready", endpoints: [server.url], slots: 4 });
  assert.equal((await asking).status, 200);
  // What is awake is asked, and says what is true.
  await (await stop("/api/generate", {})).text();
  assert.equal(server.requests.length, 2);
});

test("servers that stay while their model sleeps are told to load and to unload, with their key", async (t) => {
  const servers = [await upstream(t, answer(json({}))), await upstream(t, answer(json({})))];
  const endpoints = servers.map(({ url }) => url);
  const awake = { ...ASLEEP, unloads: true, state: "ready" as const, endpoints };
  const { api, become } = await setUp(t, awake);
  const post = (path: string) => fetch(`${api.url}/v1/models/m/${path}`, { method: "POST" });
  assert.equal((await post("load")).status, 200);
  assert.equal((await post("unload")).status, 202);
  for (const { requests } of servers) {
    assert.deepEqual(
      requests.map(({ head }) => head.split(" ").slice(0, 2)),
      [
        ["POST", "/load"],
        ["POST", "/unload"],
      ],
    );
  }
  become({ ...awake, endpoints: ["http://127.0.0.1:9"] });
  assert.ok((await post("unload")).status >= 500);
});

/** Notes spans as they end. */
function noting(ended: [string, string, string][]): Tracer {
  const begin = (name: string, parent: string, { attributes = {} }: SpanOptions): Span => {
    let known = attributes;
    return {
      traceId: "1",
      spanId: name,
      isRecording: true,
      child: (child, options = {}) => begin(child, name, options),
      set: (more) => void (known = { ...known, ...more }),
      event: () => {},
      fail: () => {},
      end: () => void ended.push([name, String(known["localmodel.wait.reason"]), parent]),
      inject: () => {},
    };
  };
  return { start: (name, options) => begin(name, "", options) };
}
