import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { text as textOf } from "node:stream/consumers";
import { test } from "node:test";
import { engineFailed } from "@localmodel/inference/unavailability.ts";
import type { GenerateEvent } from "@localmodel/inference/generate.ts";
import OpenAI, { APIError, InternalServerError } from "openai";
import type { ChatCompletionChunk as Chunk } from "openai/resources/chat/completions";
import { saying, ScriptedEngine, untilAborted } from "./fixtures/scripted-engine.ts";
import { eventually, serve } from "./fixtures/serve.ts";

const model = "org/model:Q4";
const messages = [{ role: "user" as const, content: "Hi" }];
const chat = "/v1/chat/completions";
const usage = { promptTokens: 3, completionTokens: 1, cachedTokens: 0 };

/** The events of a stream as their JSON, or the text of `[DONE]` and comments. */
async function eventsOf(response: Response): Promise<unknown[]> {
  const blocks = (await response.text()).split("\n\n");
  assert.equal(blocks.pop(), "", "a stream ends with a blank line");
  return blocks.map((block) => {
    const data = block.startsWith("data: ") ? block.slice("data: ".length) : block;
    return data.startsWith("{") ? (JSON.parse(data) as unknown) : data;
  });
}

function headOf({ id, created, model: name, object }: Chunk) {
  return { id, created, name, object };
}

test("a streamed chat is role, content, finish and [DONE], all with one id and time", async (t) => {
  const { post } = await serve(t, new ScriptedEngine());
  const response = await post(chat, { messages, stream: true });
  assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  assert.equal(response.headers.get("cache-control"), "no-cache");
  assert.equal(response.headers.get("x-accel-buffering"), "no");
  const events = await eventsOf(response);
  assert.equal(events.pop(), "[DONE]");
  const chunks = events as Chunk[];
  const rest = { index: 0, logprobs: null, finish_reason: null };
  assert.deepEqual(
    chunks.map(({ choices }) => choices[0]),
    [
      { ...rest, delta: { role: "assistant", content: "", refusal: null } },
      { ...rest, delta: { content: "Hello" } },
      { ...rest, delta: { content: " world" } },
      { ...rest, delta: {}, finish_reason: "stop" },
    ],
  );
  for (const chunk of chunks) {
    assert.deepEqual(headOf(chunk), headOf(chunks[0] as Chunk));
    assert.ok(!("usage" in chunk));
  }
});

test("with include_usage the last chunk has the usage, the others have null", async (t) => {
  const { clientOptions } = await serve(t, new ScriptedEngine());
  const client = new OpenAI(clientOptions);
  const stream = await client.chat.completions.create({
    model,
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = await Array.fromAsync(stream);
  const last = chunks.pop();
  assert.deepEqual(last?.choices, []);
  assert.equal(last?.usage?.total_tokens, 5);
  for (const chunk of chunks) assert.equal(chunk.usage, null);
});

test("with continuous_usage_stats every chunk has the usage so far, prompts counted once", async (t) => {
  const engine = new ScriptedEngine(async function* () {
    yield { type: "accepted", promptTokens: 3 };
    yield { type: "started", choice: 0, cachedTokens: 1 };
    yield { type: "delta", choice: 0, text: "a", completionTokens: 2 };
    yield { type: "started", choice: 1, cachedTokens: 2 };
    yield { type: "delta", choice: 1, text: "b", completionTokens: 1 };
    yield { type: "delta", choice: 0, text: "c", completionTokens: 4 };
    yield { type: "done", usage: { promptTokens: 3, completionTokens: 6, cachedTokens: 1 } };
  });
  const { clientOptions } = await serve(t, engine);
  const stream = await new OpenAI(clientOptions).chat.completions.create({
    model: "small",
    messages,
    n: 2,
    stream: true,
    stream_options: { include_usage: true, continuous_usage_stats: true } as object,
  });
  const usages: (readonly unknown[])[] = [];
  for await (const chunk of stream) {
    const cached = chunk.usage?.prompt_tokens_details?.cached_tokens;
    usages.push([chunk.usage?.prompt_tokens, chunk.usage?.completion_tokens, cached]);
  }
  assert.deepEqual(usages, [
    [3, 0, 1],
    [3, 2, 1],
    [3, 2, 1],
    [3, 3, 1],
    [3, 5, 1],
    [3, 6, 1],
  ]);
});

test("stream_options without a stream is ignored", async (t) => {
  const { post } = await serve(t, new ScriptedEngine());
  const response = await post(chat, { messages, stream_options: { include_usage: true } });
  assert.equal(response.status, 200);
});

test("each of several choices has one role, its own text and one finish", async (t) => {
  const { clientOptions } = await serve(t, new ScriptedEngine());
  const client = new OpenAI(clientOptions);
  const stream = await client.chat.completions.create({ model, messages, n: 3, stream: true });
  const seen = [0, 1, 2].map(() => ({ roles: 0, text: "", finishes: 0 }));
  for await (const { choices } of stream) {
    for (const { index, delta, finish_reason } of choices) {
      const choice = seen[index];
      assert.ok(choice !== undefined && choice.finishes === 0);
      if (delta.role === "assistant") choice.roles++;
      choice.text += delta.content ?? "";
      if (finish_reason === "stop") choice.finishes++;
    }
  }
  assert.deepEqual(
    seen,
    [0, 1, 2].map(() => ({ roles: 1, text: "Hello world", finishes: 1 })),
  );
});

test("OpenAI's accumulating stream helper gathers the same message as a plain answer", async (t) => {
  const { clientOptions } = await serve(
    t,
    new ScriptedEngine(saying("a\u2028b", "\n\n", "data: [DONE]", "🙂")),
  );
  const client = new OpenAI(clientOptions);
  const streamed = await client.chat.completions.stream({ model, messages }).finalMessage();
  const plain = await client.chat.completions.create({ model, messages });
  assert.equal(streamed.content, "a\u2028b\n\ndata: [DONE]🙂");
  assert.equal(streamed.content, plain.choices[0]?.message.content);
});

test("a streamed completion echoes, offsets its logprobs and finishes each choice", async (t) => {
  const { clientOptions } = await serve(t, new ScriptedEngine());
  const client = new OpenAI(clientOptions);
  const stream = await client.completions.create({
    model,
    prompt: "Say:",
    echo: true,
    logprobs: 0,
    stream: true,
  });
  const choices = (await Array.fromAsync(stream)).map((chunk) => chunk.choices[0]);
  assert.deepEqual(
    choices.map((choice) => [choice?.text, choice?.logprobs?.text_offset, choice?.finish_reason]),
    [
      ["Say:", [0], null],
      ["Hello", [4], null],
      [" world", [9], null],
      ["", undefined, "stop"],
    ],
  );
});

test("what fails before the first event is a proper status, which the client retries", async (t) => {
  const engine = new ScriptedEngine(async function* () {
    yield { type: "accepted", promptTokens: 3 };
    throw engineFailed("The engine died.", 1);
  });
  const { post } = await serve(t, engine);
  const response = await post(chat, { messages, stream: true });
  assert.equal(response.status, 503);
  assert.equal(response.headers.get("retry-after"), "1");
  assert.equal(response.headers.get("x-should-retry"), "true");
});

test("the client's own retry turns a short failure into an answer", async (t) => {
  let failures = 0;
  const hello = saying("Hello");
  const engine = new ScriptedEngine(async function* (request, signal) {
    if (failures++ === 0) throw engineFailed("The engine died.", 0);
    yield* hello(request, signal);
  });
  const { clientOptions } = await serve(t, engine);
  const client = new OpenAI(clientOptions);
  const stream = await client.chat.completions.create({ model, messages, stream: true });
  const text = (await Array.fromAsync(stream)).map(
    ({ choices }) => choices[0]?.delta.content ?? "",
  );
  assert.equal(text.join(""), "Hello");
  assert.equal(engine.calls.length, 2);
});

test("what fails after the first event is an event, and the stream has no [DONE]", async (t) => {
  const engine = new ScriptedEngine(async function* () {
    yield { type: "started", choice: 0, cachedTokens: 0 };
    yield { type: "delta", choice: 0, text: "Hel" };
    throw engineFailed("The engine died.", 1);
  });
  const { post, clientOptions, log } = await serve(t, engine);
  const client = new OpenAI(clientOptions);
  const response = await post(chat, { messages, stream: true });
  const events = await eventsOf(response);
  assert.deepEqual(events.at(-1), {
    error: { message: "The engine died.", type: "server_error", param: null, code: "engine_error" },
    request_id: response.headers.get("x-request-id"),
  });
  assert.ok(!events.includes("[DONE]"));
  assert.ok(log.some((line) => line.includes("a stream ended with an error")));

  const stream = await client.chat.completions.create({ model, messages, stream: true });
  await assert.rejects(
    Array.fromAsync(stream),
    (error) => error instanceof APIError && error.code === "engine_error",
  );
});

test("a generation that just stops is never passed off as complete", async (t) => {
  const engine = new ScriptedEngine(async function* () {
    yield { type: "started", choice: 0, cachedTokens: 0 };
    yield { type: "delta", choice: 0, text: "Hel" };
  });
  const { post, clientOptions } = await serve(t, engine);
  const client = new OpenAI(clientOptions);
  const events = await eventsOf(await post(chat, { messages, stream: true }));
  assert.ok(!events.includes("[DONE]"));
  await assert.rejects(
    client.chat.completions.create({ model, messages }, { maxRetries: 0 }),
    InternalServerError,
  );
});

test("a silent stream opens after the keep-alive time and comments until it speaks", async (t) => {
  const speak = Promise.withResolvers<void>();
  const engine = new ScriptedEngine(async function* () {
    yield { type: "accepted", promptTokens: 3 };
    await speak.promise;
    yield { type: "started", choice: 0, cachedTokens: 0 };
    yield { type: "finish", choice: 0, reason: "stop" };
    yield { type: "done", usage };
  });
  const { post } = await serve(t, engine, { keepAliveMs: 5 });
  const response = await post(chat, { messages, stream: true });
  assert.equal(response.status, 200, "the headers came before the engine said anything");
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const readUntil = async (isEnough: () => boolean) => {
    while (!isEnough()) {
      const { value, done } = (await reader?.read()) ?? { done: true, value: "" };
      if (done) return;
      text += value;
    }
  };
  await readUntil(() => text.split(": keep-alive\n").length > 3);
  assert.match(text, /^(: keep-alive\n)+$/);
  speak.resolve();
  await readUntil(() => false);
  assert.match(text, /data: .*"role":"assistant"[^]*data: \[DONE\]\n\n$/);
});

test("a silent stream of a response says by events that it goes on: clients' own timers see no comments", async (t) => {
  const begin = Promise.withResolvers<void>();
  const speak = Promise.withResolvers<void>();
  const engine = new ScriptedEngine(async function* () {
    yield { type: "accepted", promptTokens: 3 };
    await begin.promise;
    yield { type: "started", choice: 0, cachedTokens: 0 };
    await speak.promise;
    yield { type: "delta", choice: 0, text: "Hi" };
    yield { type: "finish", choice: 0, reason: "stop" };
    yield { type: "done", usage };
  });
  const { clientOptions } = await serve(t, engine, { keepAliveMs: 5 });
  const client = new OpenAI({ ...clientOptions, maxRetries: 0 });
  const types: string[] = [];
  const numbers: number[] = [];
  const stream = client.responses.stream({ model, input: "x" }).on("event", (event) => {
    types.push(event.type);
    numbers.push(event.sequence_number);
    if (types.length === 4) begin.resolve();
    if (types.length === 8) speak.resolve();
  });
  assert.equal((await stream.finalResponse()).output_text, "Hi");
  assert.deepEqual(numbers, [...numbers.keys()]);
  assert.equal(types.filter((type) => type === "response.created").length, 1);
  assert.deepEqual(types.slice(0, 8), [
    "response.created",
    ...Array.from({ length: 7 }, () => "response.in_progress"),
  ]);
});

test("what fails after the keep-alive opened the stream is an event", async (t) => {
  const fail = Promise.withResolvers<void>();
  const engine = new ScriptedEngine(async function* () {
    yield { type: "accepted", promptTokens: 3 };
    await fail.promise;
    throw engineFailed("The engine died.", 1);
  });
  const { post } = await serve(t, engine, { keepAliveMs: 5 });
  const response = await post(chat, { messages, stream: true });
  fail.resolve();
  const events = await eventsOf(response);
  assert.match(JSON.stringify(events.at(-1)), /engine_error/);
});

for (const [phase, before] of [
  ["waiting in the queue", [{ type: "accepted", promptTokens: 3 }]],
  [
    "in prefill",
    [
      { type: "accepted", promptTokens: 3 },
      { type: "started", choice: 0, cachedTokens: 0 },
    ],
  ],
  [
    "in the middle of a stream",
    [
      { type: "started", choice: 0, cachedTokens: 0 },
      { type: "delta", choice: 0, text: "Hel" },
    ],
  ],
] as const satisfies [string, readonly GenerateEvent[]][]) {
  for (const stream of [true, false]) {
    test(`a client that hangs up ${phase} (stream: ${stream}) stops the engine and frees its place`, async (t) => {
      const engine = new ScriptedEngine(async function* (_request, signal) {
        yield* before;
        await untilAborted(signal);
      });
      const { post, clientOptions, log } = await serve(t, engine, {
        config: { engine: { slots: 1, maxQueuedRequests: 0 } },
      });
      const client = new OpenAI(clientOptions);
      const hangUp = new AbortController();
      const answer = post(chat, { messages, stream }, { signal: hangUp.signal });
      answer.catch(() => {});
      await eventually(t, () => assert.equal(engine.calls.length, 1));
      hangUp.abort();
      await eventually(t, () => assert.ok(engine.call.signal.aborted && engine.call.ended));
      await eventually(t, () => assert.ok(log.some((line) => line.includes("the client hung up"))));
      assert.ok(!log.some((line) => line.includes('"level":"error"')));
      const second = client.chat.completions.create({ model, messages }, { maxRetries: 0 });
      second.catch(() => {});
      await eventually(t, () => assert.equal(engine.calls.length, 2, "the place is free again"));
      const [, next] = engine.calls;
      assert.ok(next !== undefined && !next.signal.aborted);
    });
  }
}

for (const stream of [false, true]) {
  test(`a client that closes its side of the connection is answered, stream: ${stream}`, async (t) => {
    const closed = Promise.withResolvers<void>();
    const engine = new ScriptedEngine(async function* () {
      await closed.promise;
      yield { type: "started", choice: 0, cachedTokens: 0 };
      yield { type: "delta", choice: 0, text: "still there" };
      yield { type: "finish", choice: 0, reason: "stop" };
      yield { type: "done", usage: { promptTokens: 1, completionTokens: 1, cachedTokens: 0 } };
    });
    const { port } = await serve(t, engine);
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const body = JSON.stringify({ messages, stream });
    const head = `POST ${chat} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;
    socket.end(`${head}content-length: ${body.length}\r\n\r\n${body}`);
    socket.once("data", (first: Buffer) => {
      assert.match(first.toString(), /^HTTP\/1\.1 102 /);
      closed.resolve();
    });
    assert.match(await textOf(socket), /still there/);
  });
}

test("one that closes its side and is gone then has hung up", async (t) => {
  const engine = new ScriptedEngine((_request, signal) => untilAbortedEvents(signal));
  const { port } = await serve(t, engine);
  const socket = connect({ port, host: "127.0.0.1" });
  const body = JSON.stringify({ messages });
  const head = `POST ${chat} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;
  socket.end(`${head}content-length: ${body.length}\r\n\r\n${body}`);
  await once(socket, "data");
  socket.destroy();
  await eventually(t, () => assert.ok(engine.call.signal.aborted && engine.call.ended));
});

async function* untilAbortedEvents(signal: AbortSignal): AsyncGenerator<GenerateEvent> {
  yield { type: "accepted", promptTokens: 3 };
  await untilAborted(signal);
}

test("a client that hangs up while it still sends its body costs nothing", async (t) => {
  const engine = new ScriptedEngine();
  const { port, clientOptions } = await serve(t, engine);
  const client = new OpenAI(clientOptions);
  const socket = connect(port, "127.0.0.1");
  const head = `POST ${chat} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;
  socket.end(`${head}content-length: 1000\r\n\r\n{"messages":`);
  await once(socket.resume(), "close");
  assert.equal(engine.calls.length, 0);
  await client.chat.completions.create({ model, messages }, { maxRetries: 0 });
});

test("an answer that was read to its end aborts nothing", async (t) => {
  const engine = new ScriptedEngine();
  const { post } = await serve(t, engine);
  await (await post(chat, { messages, stream: true })).text();
  await (await post(chat, { messages })).text();
  assert.deepEqual(
    engine.calls.map(({ signal }) => signal.aborted),
    [false, false],
  );
});

test("a client that stops reading is cut off instead of buffered for ever", async (t) => {
  const piece = "x".repeat(64 * 1024);
  const engine = new ScriptedEngine(async function* (_request, signal) {
    yield { type: "started", choice: 0, cachedTokens: 0 };
    for (;;) {
      signal.throwIfAborted();
      yield { type: "delta", choice: 0, text: piece };
      await new Promise(setImmediate);
    }
  });
  const { port, log } = await serve(t, engine);
  const body = JSON.stringify({ messages, stream: true });
  const socket = connect(port, "127.0.0.1").pause();
  socket.on("error", () => {});
  t.after(() => socket.destroy());
  socket.write(
    `POST ${chat} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await eventually(t, () => assert.ok(engine.call.ended));
  assert.ok(log.some((line) => line.includes("reads too slowly")));
});

test("beyond slots and queue a request is answered 429 with a wait the client accepts", async (t) => {
  const engine = new ScriptedEngine(async function* (_request, signal) {
    yield { type: "accepted", promptTokens: 3 };
    await untilAborted(signal);
  });
  const { post, clientOptions } = await serve(t, engine, {
    config: { engine: { slots: 1, maxQueuedRequests: 1 } },
  });
  const client = new OpenAI(clientOptions);
  const hangUp = new AbortController();
  t.after(() => hangUp.abort());
  for (const stream of [true, false]) {
    post(chat, { messages, stream }, { signal: hangUp.signal }).catch(() => {});
  }
  await eventually(t, () => assert.equal(engine.calls.length, 2));
  const response = await post(chat, { messages, stream: true });
  assert.equal(response.status, 429);
  assert.equal(response.headers.get("retry-after"), "1");
  assert.equal(response.headers.get("retry-after-ms"), "1000");
  await assert.rejects(
    client.chat.completions.create({ model, messages }, { maxRetries: 0 }),
    (error) => error instanceof APIError && error.code === "rate_limit_exceeded",
  );
});
