import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import type { ServerState } from "@localmodel/localmodel/contracts/server-state.ts";
import OpenAI, { NotFoundError } from "openai";
import { facts, ScriptedEngine } from "./fixtures/scripted-engine.ts";
import { serve } from "./fixtures/serve.ts";

const chat = "/v1/chat/completions";
const messages = [{ role: "user" as const, content: "Hi" }];

type ErrorAnswer = {
  error: { message: string; type: string; param: string | null; code: string | null };
};

async function refusalOf(response: Response): Promise<ErrorAnswer["error"]> {
  const body = (await response.json()) as ErrorAnswer;
  assert.deepEqual(Object.keys(body.error).toSorted(), ["code", "message", "param", "type"]);
  return body.error;
}

test("models.list shows the one model, and what the weights turned out to be", async (t) => {
  const { clientOptions } = await serve(t, new ScriptedEngine());
  const client = new OpenAI(clientOptions);
  const { data } = await client.models.list();
  assert.deepEqual(data, [
    {
      id: "org/model:Q4",
      object: "model",
      created: 1_700_000_000,
      owned_by: "localmodel",
      aliases: ["small"],
      max_model_len: 1024,
      capabilities: ["chat", "completions", "embeddings"],
      meta: {
        architecture: "llama",
        quantization: "F32",
        n_vocab: 500,
        n_ctx_train: 2048,
        n_embd: 4,
        n_params: 1000,
        size: 4000,
      },
      state: "ready",
    },
  ]);
});

for (const path of ["org/model:Q4", "org%2Fmodel%3AQ4", "small"]) {
  test(`GET /v1/models/${path} finds the model`, async (t) => {
    const { url } = await serve(t, new ScriptedEngine());
    const response = await fetch(`${url}/v1/models/${path}`);
    assert.equal(response.status, 200);
    assert.equal(((await response.json()) as { id: string }).id, "org/model:Q4");
  });
}

test("models.retrieve of another model is a NotFoundError that names what there is", async (t) => {
  const { clientOptions } = await serve(t, new ScriptedEngine());
  const client = new OpenAI(clientOptions);
  await assert.rejects(client.models.retrieve("gpt-4o"), (error) => {
    assert.ok(error instanceof NotFoundError);
    assert.equal(error.code, "model_not_found");
    assert.match(error.message, /The model `gpt-4o` does not exist .* `org\/model:Q4`, `small`/);
    return true;
  });
});

type Refused = {
  name: string;
  path?: string;
  init: RequestInit;
  status: number;
  code: string | null;
  header?: [string, string];
};

const json = { "content-type": "application/json" };
const refused: Refused[] = [
  {
    name: "an unknown path",
    path: "/v2/chat",
    init: {},
    status: 404,
    code: "unknown_url",
  },
  {
    name: "a path that is no UTF-8",
    path: "/v1/models/%zz",
    init: {},
    status: 400,
    code: null,
  },
  {
    name: "GET on a POST route",
    init: { method: "GET" },
    status: 405,
    code: "method_not_allowed",
    header: ["allow", "POST"],
  },
  {
    name: "DELETE of the model",
    path: "/v1/models/small",
    init: { method: "DELETE" },
    status: 405,
    code: "method_not_allowed",
    header: ["allow", "GET, HEAD"],
  },
  {
    name: "a form",
    init: { headers: { "content-type": "application/x-www-form-urlencoded" }, body: "{}" },
    status: 415,
    code: "unsupported_media_type",
  },
  {
    name: "no content type",
    init: { headers: {}, body: new Uint8Array([0x7b, 0x7d]) },
    status: 415,
    code: "unsupported_media_type",
  },
  {
    name: "JSON in Latin-1",
    init: { headers: { "content-type": "application/json; charset=latin1" }, body: "{}" },
    status: 415,
    code: "unsupported_media_type",
  },
  {
    name: "an unknown content encoding",
    init: { headers: { ...json, "content-encoding": "zstd9" }, body: "{}" },
    status: 415,
    code: "unsupported_media_type",
  },
  { name: "half an object", init: { headers: json, body: '{"a' }, status: 400, code: null },
  { name: "no body", init: { headers: json }, status: 400, code: null },
  {
    name: "bytes that are no UTF-8",
    init: { headers: json, body: new Uint8Array([0x22, 0xff, 0x22]) },
    status: 400,
    code: null,
  },
  {
    name: "a body of 32 MiB and a byte",
    init: { headers: json, body: " ".repeat(32 * 1024 * 1024 + 1) },
    status: 413,
    code: "request_too_large",
  },
  {
    name: "a small body that inflates to 64 MiB",
    init: {
      headers: { ...json, "content-encoding": "gzip" },
      body: gzipSync(Buffer.alloc(64 * 1024 * 1024, " ")),
    },
    status: 413,
    code: "request_too_large",
  },
  {
    name: "another model",
    init: { headers: json, body: JSON.stringify({ model: "gpt-4o", messages }) },
    status: 404,
    code: "model_not_found",
  },
  {
    name: "a temperature that is no JSON number",
    init: {
      headers: json,
      body: '{"messages":[{"role":"user","content":""}],"temperature":1e999}',
    },
    status: 400,
    code: "invalid_type",
  },
];

for (const { name, path = chat, init, status, code, header } of refused) {
  test(`${name} is refused with ${status} in OpenAI's form, not to be repeated`, async (t) => {
    const engine = new ScriptedEngine();
    const { url } = await serve(t, engine);
    const method = path === chat ? "POST" : "GET";
    const response = await fetch(url + path, { method, ...init });
    const error = await refusalOf(response);
    assert.deepEqual(
      { status: response.status, code: error.code },
      { status, code },
      error.message,
    );
    assert.equal(error.type, "invalid_request_error");
    assert.equal(response.headers.get("x-should-retry"), "false");
    if (header !== undefined) assert.equal(response.headers.get(header[0]), header[1]);
    assert.equal(engine.calls.length, 0);
  });
}

test("a gzipped body is a body", async (t) => {
  const { post } = await serve(t, new ScriptedEngine());
  const body = gzipSync(JSON.stringify({ messages }));
  const headers = { ...json, "content-encoding": "gzip" };
  assert.equal((await post(chat, "", { headers, body })).status, 200);
});

test("a prompt of 10 MB reaches the engine whole", async (t) => {
  const engine = new ScriptedEngine();
  const model = { ...facts, contextTokens: 1_000_000 };
  engine.state = { state: "ready", message: "Ready", model };
  const { post } = await serve(t, engine);
  const content = "ü".repeat(5_000_000);
  const response = await post(chat, { messages: [{ role: "user", content }] });
  assert.equal(response.status, 200);
  const [prompt] = engine.call.request.prompts;
  assert.ok(prompt?.kind === "chat" && prompt.messages[0]?.content === content);
});

test("every answer carries the request's id, the API's version and the time it took", async (t) => {
  const { post, url } = await serve(t, new ScriptedEngine());
  const headers = { ...json, "x-request-id": "mine-1" };
  for (const response of [
    await post(chat, { messages }, { headers }),
    await post(chat, { messages, stream: true }, { headers }),
    await post(chat, {}, { headers }),
    await fetch(`${url}/v1/models`, { headers }),
    await fetch(`${url}/nowhere`, { headers }),
  ]) {
    await response.arrayBuffer();
    assert.equal(response.headers.get("x-request-id"), "mine-1");
    assert.equal(response.headers.get("openai-version"), "2020-10-01");
    assert.match(response.headers.get("openai-processing-ms") ?? "", /^\d+$/);
    assert.equal(response.headers.get("x-powered-by"), null);
  }
});

test("the client's _request_id is the server's own when it sent none", async (t) => {
  const { clientOptions } = await serve(t, new ScriptedEngine());
  const client = new OpenAI(clientOptions);
  const answer = await client.chat.completions.create({ model: "small", messages });
  assert.match(answer._request_id ?? "", /^req_/);
});

const states: {
  state: ServerState;
  code: string;
  retry: string;
  after: string | null;
  message: RegExp;
}[] = [
  {
    state: { state: "loading", message: "Reading the weights", progress: 0.425 },
    code: "model_loading",
    retry: "true",
    after: "5",
    message: /loading, 42 % done\. Reading the weights\./,
  },
  {
    state: { state: "restarting", message: "The engine died (SIGKILL)", retryAfterSeconds: 7 },
    code: "engine_error",
    retry: "true",
    after: "7",
    message: /SIGKILL/,
  },
  {
    state: { state: "draining", message: "Stopping" },
    code: "shutting_down",
    retry: "true",
    after: "1",
    message: /shutting down/,
  },
  {
    state: { state: "failed", message: "This is HTML.", reason: "NotAGguf" },
    code: "model_failed",
    retry: "false",
    after: null,
    message: /This is HTML\./,
  },
];

for (const { state, code, retry, after, message } of states) {
  test(`a server that is ${state.state} answers 503 ${code}, and a retry of ${retry}`, async (t) => {
    const engine = new ScriptedEngine();
    engine.state = state;
    const { post, url } = await serve(t, engine);
    for (const response of [
      await post(chat, { messages }),
      await post("/v1/completions", { prompt: "a", stream: true }),
      await post("/v1/embeddings", { input: "a" }),
      await fetch(`${url}/health`),
    ]) {
      const error = await refusalOf(response);
      assert.equal(response.status, 503);
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.equal(response.headers.get("x-should-retry"), retry);
      assert.equal(response.headers.get("retry-after"), after);
    }
  });

  test(`a server that is ${state.state} is alive, not ready, and says why`, async (t) => {
    const engine = new ScriptedEngine();
    engine.state = state;
    const { url } = await serve(t, engine);
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    const ready = await fetch(`${url}/readyz`);
    assert.equal(ready.status, 503);
    assert.deepEqual(await ready.json(), state);
    const models = await fetch(`${url}/v1/models`);
    const { data } = (await models.json()) as { data: { state: string; message: string }[] };
    assert.deepEqual(
      data.map((listed) => [listed.state, listed.message]),
      [[state.state, state.message]],
    );
  });
}

test("a request that is wrong is refused for that, even while the model loads", async (t) => {
  const engine = new ScriptedEngine();
  engine.state = { state: "loading", message: "Loading", progress: 0 };
  const { post } = await serve(t, engine);
  assert.equal((await post(chat, {})).status, 400);
  assert.equal((await post(chat, { model: "x", messages })).status, 404);
});

test("a ready server says so with the facts of its model", async (t) => {
  const { url } = await serve(t, new ScriptedEngine());
  const ready = await fetch(`${url}/readyz`);
  assert.equal(ready.status, 200);
  assert.deepEqual(await ready.json(), { state: "ready", message: "Ready", model: facts });
  assert.deepEqual(await (await fetch(`${url}/health`)).json(), { status: "ok" });
});

test("an unforeseen failure is one fixed sentence to the client and a stack in the log", async (t) => {
  const engine = new ScriptedEngine(async function* () {
    yield { type: "accepted", promptTokens: 1 };
    throw new Error("the secret is 42");
  });
  const { post, log } = await serve(t, engine);
  const response = await post(chat, { messages });
  const error = await refusalOf(response);
  assert.equal(response.status, 500);
  assert.equal(error.code, "internal_error");
  assert.doesNotMatch(error.message, /42/);
  assert.ok(log.some((line) => line.includes("the secret is 42")));
});
