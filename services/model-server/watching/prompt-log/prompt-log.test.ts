import assert from "node:assert/strict";
import { request } from "node:http";
import { connect } from "node:net";
import { test, type TestContext } from "node:test";
import type { GenerateRequest } from "@localmodel/inference/generate.ts";
import { saying, ScriptedEngine, untilAborted } from "../../fixtures/scripted-engine.ts";
import { eventually, serve } from "../../fixtures/serve.ts";

const ON = { config: { promptLogging: true } };
const chat = { messages: [{ role: "user", content: "Hi" }], temperature: 0, stop: ["."] };

type LogEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

/** An engine that reports what it was asked, as the real one does. */
function reporting(): ScriptedEngine {
  return new ScriptedEngine(async function* (asked: GenerateRequest, signal) {
    for await (const event of saying("Hello", " world")(asked, signal)) {
      const reports = event.type === "accepted" && asked.reportsPrompts === true;
      yield reports ? { ...event, prompts: ["<|user|>Hi"] } : event;
    }
  });
}

async function attach(t: TestContext, url: string) {
  const leaving = new AbortController();
  t.after(() => leaving.abort());
  const response = await fetch(`${url}/admin/log`, { signal: leaving.signal });
  const events: LogEvent[] = [];
  const done = (async () => {
    let text = "";
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += part;
      const frames = text.split("\n\n");
      text = frames.pop() ?? "";
      for (const frame of frames) {
        const data = frame.split("\n").find((line) => line.startsWith("data: "));
        if (data !== undefined) events.push(JSON.parse(data.slice(6)) as LogEvent);
      }
    }
  })().catch(() => {});
  return { response, events, leave: () => leaving.abort(), done };
}

test("a reader sees what the model receives and answers, with its parameters and timings", async (t) => {
  const { url, post } = await serve(t, reporting(), ON);
  const { events } = await attach(t, url);
  const headers = {
    "content-type": "application/json",
    "x-request-id": "req-1",
    "x-localmodel-tenant": "alice",
  };
  await (await post("/v1/chat/completions", chat, { headers })).json();
  await eventually(t, () => assert.equal(events.length, 2));
  const [input, output] = events as [LogEvent, LogEvent];
  const about = {
    requestId: "req-1",
    key: "alice",
    model: "org/model:Q4",
    path: "/v1/chat/completions",
  };
  const { time, sampling, ...rest } = input;
  assert.ok(!Number.isNaN(Date.parse(String(time))));
  assert.equal((sampling as { temperature: number }).temperature, 0);
  assert.deepEqual(rest, {
    type: "llm.prediction.input",
    ...about,
    prompts: ["<|user|>Hi"],
    promptTokens: 3,
    stop: ["."],
    choicesPerPrompt: 1,
  });
  const { time: _, timings, ...told } = output;
  assert.deepEqual(told, {
    type: "llm.prediction.output",
    ...about,
    choices: [{ text: "Hello world", finishReason: "stop" }],
    usage: { promptTokens: 3, completionTokens: 2, cachedTokens: 1 },
  });
  assert.deepEqual(
    Object.keys(timings as object).filter((name) => name !== "tokensPerSecond"),
    ["queuedMs", "prefillMs", "decodeMs", "totalMs"],
  );
});

test("calls of tools are shown with their arguments, and are no text", async (t) => {
  const answer = [
    "Let me see.",
    '<tool_call>\n{"name": "f", "arguments": {"a"',
    ": 1}}\n</tool_call>",
  ];
  const engine = new ScriptedEngine(async function* (asked: GenerateRequest, signal) {
    for await (const event of saying(...answer)(asked, signal)) {
      if (event.type !== "delta") yield event;
      else yield { ...event, pieces: [{ token: 1, text: event.text, isControl: false }] };
    }
  });
  const { url, post } = await serve(t, engine, ON);
  const { events } = await attach(t, url);
  const tools = [{ type: "function", function: { name: "f" } }];
  await (await post("/v1/chat/completions", { ...chat, tools })).json();
  await eventually(t, () => assert.equal(events.length, 2));
  assert.deepEqual(events[1]?.["choices"], [
    {
      text: "Let me see.",
      toolCalls: [{ name: "f", arguments: '{"a": 1}' }],
      finishReason: "tool_calls",
    },
  ]);
});

test("embeddings are shown by their inputs and how they ended, without vectors", async (t) => {
  const { url, post } = await serve(t, reporting(), ON);
  const { events } = await attach(t, url);
  const headers = { "content-type": "application/json", "x-request-id": "req-2" };
  const input = ["Hello", "world"];
  await (await post("/v1/embeddings", { input }, { headers })).json();
  await eventually(t, () => assert.equal(events.length, 2));
  const about = { requestId: "req-2", model: "org/model:Q4", path: "/v1/embeddings" };
  const [{ time: _, ...asked }, { time: __, timings, ...told }] = events as [LogEvent, LogEvent];
  assert.deepEqual(asked, { type: "llm.embedding.input", ...about, inputs: input });
  assert.deepEqual(told, {
    type: "llm.embedding.output",
    ...about,
    usage: { promptTokens: 2 },
    dimensions: 4,
  });
  assert.deepEqual(Object.keys(timings as object), ["totalMs"]);
});

test("while nobody reads, the engine is asked for nothing more and nothing is kept", async (t) => {
  const engine = reporting();
  const { url, post, log } = await serve(t, engine, ON);
  await post("/v1/chat/completions", chat);
  assert.equal(engine.call.request.reportsPrompts, undefined);
  const { events, leave, done } = await attach(t, url);
  await post("/v1/chat/completions", chat);
  await eventually(t, () => assert.equal(events.length, 2));
  leave();
  await done;
  // The server notices in its own time.
  await t.waitFor(
    async () => {
      await post("/v1/chat/completions", chat);
      assert.equal(engine.call.request.reportsPrompts, undefined);
    },
    { interval: 5, timeout: 20_000 },
  );
  assert.equal(events.length, 2);
  assert.doesNotMatch(log.join(""), /<\|user\|>|Hello/);
});

test("an answer that fails is told with its reason, and one whose client left as well", async (t) => {
  const engine = new ScriptedEngine(async function* (asked, signal) {
    yield { type: "accepted", promptTokens: 3 };
    if (asked.stop.length > 0) throw new Error("secret detail");
    yield { type: "delta", choice: 0, text: "Hel" };
    await untilAborted(signal);
  });
  const { url, post } = await serve(t, engine, ON);
  const { events } = await attach(t, url);
  await post("/v1/chat/completions", chat);
  const leaving = new AbortController();
  const open = fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...chat, stop: [] }),
    signal: leaving.signal,
  });
  await eventually(t, () => assert.equal(events.length, 3));
  leaving.abort();
  await assert.rejects(open);
  await eventually(t, () => assert.equal(events.length, 4));
  const outputs = events.filter(({ type }) => type === "llm.prediction.output");
  assert.deepEqual(
    outputs.map(({ choices, error }) => [choices, (error as { code: string | null }).code]),
    [
      [[], "internal_error"],
      [[{ text: "Hel" }], null],
    ],
  );
  assert.doesNotMatch(JSON.stringify(events), /secret detail/);
});

test("a model whose prompts may not be read refuses, and says what would allow it", async (t) => {
  const { url } = await serve(t, reporting());
  const response = await fetch(`${url}/admin/log`);
  assert.equal(response.status, 403);
  assert.match(await response.text(), /prompt_logging_off.*|.*spec\.promptLogging/);
});

test("no web page can read along by a name of its own", async (t) => {
  const { url } = await serve(t, reporting(), ON);
  const status = await new Promise((resolve, reject) => {
    const options = { headers: { host: "evil.example" } };
    request(`${url}/admin/log`, options, (res) => resolve(res.resume().statusCode))
      .on("error", reject)
      .end();
  });
  assert.equal(status, 403);
});

test("a reader that does not read is told how much it missed, and holds up nobody", async (t) => {
  const long = "x".repeat(400_000);
  const { url, port, post } = await serve(t, new ScriptedEngine(saying(long)), ON);
  const socket = connect(port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.write("GET /admin/log HTTP/1.1\r\nhost: localhost\r\n\r\n");
  await new Promise((resolve) => socket.once("readable", resolve));
  const sent = 60;
  for (let i = 0; i < sent; i++) await (await post("/v1/chat/completions", chat)).json();
  let text = "";
  socket.setEncoding("utf8").on("data", (part: string) => (text += part));
  await eventually(t, () => assert.match(text, /"type":"dropped"/));
  const dropped = [...text.matchAll(/"type":"dropped","events":(\d+)/g)].map(([, count]) => count);
  const seen = text.match(/"type":"llm/g)?.length ?? 0;
  assert.equal(seen + dropped.reduce((sum, count) => sum + Number(count), 0), 2 * sent);
  assert.ok(text.length < sent * long.length, "some of it was dropped");
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
});

test("readers have a bound", async (t) => {
  const { url } = await serve(t, reporting(), ON);
  for (let i = 0; i < 16; i++) await attach(t, url);
  const refused = await fetch(`${url}/admin/log`);
  assert.equal(refused.status, 429);
});
