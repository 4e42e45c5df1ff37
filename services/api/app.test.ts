import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { chat, errorOf, model, gateway } from "./fixtures/gateway.ts";
import { answer, json, type Script, upstream } from "./fixtures/scripted-upstream.ts";

/** A bound for a wait in vain. */
const PATIENCE = { timeout: 30_000 };

const OK = json({ ok: true });

describe("routing", () => {
  test("the id and every alias lead to the model that has them", async (t) => {
    const a = await upstream(t, answer(json({ from: "a" })));
    const b = await upstream(t, answer(json({ from: "b" })));
    const { url } = await gateway(t, [
      model("org/a", { aliases: ["gpt-4o"], endpoints: [a.url] }),
      model("b", { endpoints: [b.url] }),
    ]);
    for (const [id, from] of [
      ["org/a", "a"],
      ["gpt-4o", "a"],
      ["b", "b"],
    ]) {
      assert.deepEqual(await (await chat(url, { model: id })).json(), { from });
    }
  });

  test("an unknown model is a 404 that lists what there is", async (t) => {
    const { url } = await gateway(t, [model("a"), model("b")]);
    const response = await chat(url, { model: "c" });
    assert.equal(response.status, 404);
    assert.equal(response.headers.get("x-should-retry"), "false");
    const { code, param, message } = await errorOf(response);
    assert.deepEqual([code, param], ["model_not_found", "model"]);
    assert.match(message, /`c`.*Available models: `a`, `b`\./);
  });

  test("a request that names no model gets the only one, and a 400 when there are several", async (t) => {
    const { url: endpoint } = await upstream(t, answer(OK));
    const { url, setModels } = await gateway(t, [model("a", { endpoints: [endpoint] })]);
    for (const body of [{}, { model: null }, { model: "" }]) {
      assert.equal((await chat(url, body)).status, 200);
    }
    setModels([model("a"), model("b")]);
    const response = await chat(url, {});
    assert.equal(response.status, 400);
    const { param, code } = await errorOf(response);
    assert.deepEqual([param, code], ["model", "missing_required_parameter"]);
  });

  test("a model that is on its way is a 503 with its progress and a time to retry", async (t) => {
    const { url } = await gateway(t, [
      model("a", { state: "downloading", message: "45 MB of 98 MB", progress: 0.456 }),
    ]);
    const response = await chat(url, { model: "a" });
    assert.equal(response.status, 503);
    assert.equal(response.headers.get("x-should-retry"), "true");
    assert.ok(Number(response.headers.get("retry-after")) >= 1);
    const { code, message } = await errorOf(response);
    assert.equal(code, "model_loading");
    assert.match(message, /downloading \(45 %\): 45 MB of 98 MB\./);
  });

  test("a model that failed is a 503 with the reason, not to be retried", async (t) => {
    const { url } = await gateway(t, [
      model("a", { state: "failed", message: "it is not a GGUF" }),
    ]);
    const response = await chat(url, { model: "a" });
    assert.equal(response.status, 503);
    assert.equal(response.headers.get("x-should-retry"), "false");
    assert.match((await errorOf(response)).message, /it is not a GGUF/);
  });

  test("a model that restarts is served as long as something serves it", async (t) => {
    const { url: endpoint } = await upstream(t, answer(OK));
    const { url } = await gateway(t, [model("a", { state: "loading", endpoints: [endpoint] })]);
    assert.equal((await chat(url, { model: "a" })).status, 200);
  });
});

describe("forwarding", () => {
  test("the body arrives byte for byte, however oddly it is written", async (t) => {
    const { url: endpoint, requests } = await upstream(t, answer(OK));
    const { url } = await gateway(t, [model("a", { endpoints: [endpoint] })]);
    const odd =
      ' {"model" :"a",\n"model":"a", "x":1.0e2, "ü":"\\u00fc", "big":12345678901234567890} ';
    assert.equal((await chat(url, odd)).status, 200);
    assert.equal(requests[0]?.body.toString(), odd);
    assert.match(requests[0]?.head ?? "", /^POST \/v1\/chat\/completions HTTP\/1.1/);
  });

  test("only allow-listed headers pass, in both directions, and the request id passes through", async (t) => {
    const { url: endpoint, requests } = await upstream(
      t,
      answer(
        json(
          {},
          "200 OK",
          "x-ignored-params: foo\r\nset-cookie: a=b\r\nserver: x\r\nx-request-id: other\r\n",
        ),
      ),
    );
    const { url } = await gateway(t, [model("a", { endpoints: [endpoint] })]);
    const response = await chat(
      url,
      {},
      {
        headers: {
          authorization: "Bearer secret",
          cookie: "a=b",
          "x-localmodel-tenant": "admin",
          "x-request-id": "my-request",
          traceparent: "00-1-2-01",
        },
      },
    );
    const head = requests[0]?.head ?? "";
    assert.match(head, /^x-request-id: my-request\r?$/m);
    assert.match(head, /^traceparent: 00-1-2-01\r?$/m);
    assert.doesNotMatch(head, /authorization|cookie|x-localmodel/i);
    assert.equal(response.headers.get("x-request-id"), "my-request");
    assert.equal(response.headers.get("x-ignored-params"), "foo");
    assert.equal(response.headers.get("set-cookie"), null);
    assert.equal(response.headers.get("server"), null);
    assert.equal(response.headers.get("x-powered-by"), null);
  });

  test("an error of the model server is passed on as it is", async (t) => {
    const error = {
      error: {
        message: "too long",
        type: "invalid_request_error",
        param: "messages",
        code: "context_length_exceeded",
      },
    };
    const { url: endpoint, requests } = await upstream(
      t,
      answer(json(error, "400 Bad Request", "x-should-retry: false\r\n")),
    );
    const { url } = await gateway(t, [model("a", { endpoints: [endpoint] })]);
    const response = await chat(url, {});
    assert.equal(response.status, 400);
    assert.equal(response.headers.get("x-should-retry"), "false");
    assert.deepEqual(await response.json(), error);
    assert.equal(requests.length, 1);
  });

  test("requests go to the endpoint with the fewest in flight", async (t) => {
    const held: (() => void)[] = [];
    const hold: Script = (socket) => void held.push(() => socket.write(OK));
    const a = await upstream(t, hold);
    const b = await upstream(t, hold);
    const { url } = await gateway(t, [model("m", { endpoints: [a.url, b.url] })]);
    const answers = [1, 2, 3, 4].map(() => chat(url, {}));
    await t.waitFor(() => assert.equal(held.length, 4), PATIENCE);
    assert.deepEqual([a.requests.length, b.requests.length], [2, 2]);
    for (const release of held) release();
    for (const response of await Promise.all(answers)) assert.equal(response.status, 200);
  });
});

describe("bad requests are 4xx in OpenAI's form", () => {
  const type = { "content-type": "application/json" };
  const deep = `{"model":"a","x":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
  const cases: [string, string, RequestInit, number, RegExp][] = [
    ["no body", "/v1/chat/completions", { method: "POST", headers: type }, 400, /it is empty/],
    [
      "broken JSON",
      "/v1/chat/completions",
      { method: "POST", headers: type, body: '{"model":' },
      400,
      /not valid JSON/,
    ],
    [
      "invalid UTF-8",
      "/v1/chat/completions",
      { method: "POST", headers: type, body: Buffer.from([0x22, 0xff, 0x22]) },
      400,
      /UTF-8/,
    ],
    [
      "deep nesting",
      "/v1/chat/completions",
      { method: "POST", headers: type, body: deep },
      400,
      /nested/,
    ],
    [
      "an array",
      "/v1/embeddings",
      { method: "POST", headers: type, body: "[]" },
      400,
      /JSON object/,
    ],
    [
      "a model that is a number",
      "/v1/completions",
      { method: "POST", headers: type, body: '{"model":1}' },
      400,
      /'model'.*number/,
    ],
    [
      "a body over the limit",
      "/v1/completions",
      { method: "POST", headers: type, body: `"${"x".repeat(300_000)}"` },
      413,
      /250000 bytes/,
    ],
    [
      "another content type",
      "/v1/completions",
      { method: "POST", headers: { "content-type": "text/plain" }, body: "{}" },
      415,
      /'text\/plain'/,
    ],
    ["another method", "/v1/embeddings", {}, 405, /Allowed: POST/],
    ["a method on the list", "/v1/models", { method: "DELETE" }, 405, /Allowed: GET/],
    [
      "a path without /v1",
      "/chat/completions",
      { method: "POST", headers: type, body: "{}" },
      404,
      /Did you mean \/v1\/chat\/completions\?/,
    ],
    ["a path with /v1 twice", "/v1/v1/models", {}, 404, /Did you mean \/v1\/models\?/],
    [
      "a path that is not on the list",
      "/v1/internal",
      { method: "POST", headers: type, body: "{}" },
      404,
      /Unknown request URL/,
    ],
    [
      "a path trick",
      "/v1/completions/..%2finternal",
      { method: "POST", headers: type, body: "{}" },
      404,
      /Unknown request URL/,
    ],
    [
      "prototype keys",
      "/v1/completions",
      { method: "POST", headers: type, body: '{"__proto__":{"model":"a"},"constructor":1}' },
      400,
      /Missing required/,
    ],
  ];
  for (const [name, path, init, status, message] of cases) {
    test(name, async (t) => {
      const { url } = await gateway(t, [model("a"), model("b")], { bodyMaxBytes: 250_000 });
      const response = await fetch(url + path, init);
      assert.equal(response.status, status);
      assert.equal(response.headers.get("x-should-retry"), "false");
      assert.ok(response.headers.get("x-request-id"));
      const error = await errorOf(response);
      assert.deepEqual(Object.keys(error), ["message", "type", "param", "code"]);
      assert.match(error.message, message);
    });
  }
});

describe("the list of models", () => {
  test("it is the union of all, with their states", async (t) => {
    const facts = {
      architecture: "llama",
      parameters: 5,
      quantization: "Q4_1",
      sizeBytes: 1,
      trainContextTokens: 2048,
      contextTokens: 1024,
      slots: 4,
      vocabularyTokens: 10,
      embeddingDimensions: 8,
      capabilities: ["chat"] as const,
      memoryBytes: { ram: 1, vram: 0 },
      sampling: {},
      fingerprint: "fp",
    };
    const { url } = await gateway(t, [
      model("a", { aliases: ["b"], facts, createdSeconds: 7 }),
      model("c", { state: "loading", message: "reading tensors", progress: 0.5 }),
    ]);
    const { object, data } = (await (await fetch(`${url}/v1/models`)).json()) as {
      object: string;
      data: Record<string, unknown>[];
    };
    assert.equal(object, "list");
    const [a, c] = data;
    assert.deepEqual(
      [a?.["id"], a?.["object"], a?.["created"], a?.["owned_by"]],
      ["a", "model", 7, "localmodel"],
    );
    assert.deepEqual(
      [a?.["aliases"], a?.["max_model_len"], a?.["capabilities"], a?.["state"]],
      [["b"], 1024, ["chat"], "ready"],
    );
    assert.deepEqual(
      [c?.["state"], c?.["message"], c?.["progress"]],
      ["loading", "reading tensors", 0.5],
    );
  });

  for (const path of ["org/name:tag", "org%2Fname%3Atag", "alias/of/it"]) {
    test(`one model is found as ${path}`, async (t) => {
      const { url } = await gateway(t, [model("org/name:tag", { aliases: ["alias/of/it"] })]);
      const response = await fetch(`${url}/v1/models/${path}`);
      assert.equal(((await response.json()) as { id: string }).id, "org/name:tag");
    });
  }

  test("one that is not there is a 404", async (t) => {
    const { url } = await gateway(t, [model("a")]);
    const response = await fetch(`${url}/v1/models/b`);
    assert.equal(response.status, 404);
    assert.equal((await errorOf(response)).code, "model_not_found");
  });
});

test("each request leaves one line in the log, without what was said", async (t) => {
  const { url: endpoint } = await upstream(t, answer(OK));
  const { url, lines } = await gateway(t, [model("a", { endpoints: [endpoint] })]);
  await (
    await chat(
      url,
      { messages: [{ content: "a secret" }] },
      { headers: { "x-request-id": "r1", authorization: "Bearer key" } },
    )
  ).text();
  await t.waitFor(() => assert.equal(lines.length, 1), PATIENCE);
  const { time: _time, durationMs: _ms, ...line } = lines[0] ?? {};
  assert.deepEqual(line, {
    level: "info",
    service: "api",
    message: "request",
    requestId: "r1",
    method: "POST",
    path: "/v1/chat/completions",
    status: 200,
    outcome: "complete",
    model: "a",
    endpoint,
    attempts: 1,
  });
});

test("health is always answered, readiness ends with a drain", async (t) => {
  const { url, requests } = await gateway(t, []);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  void requests.drain();
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  assert.equal((await fetch(`${url}/readyz`)).status, 503);
  const response = await chat(url, {});
  assert.equal((await errorOf(response)).code, "shutting_down");
});

test("one that is told to end takes requests, and ends their connections, for as long as somebody comes", async (t) => {
  const server = await upstream(t, answer(json({ ok: true })));
  const api = await gateway(t, [model("a", { endpoints: [server.url] })]);
  const left = api.requests.drain(600_000);
  const drained = api.server.drain(600_000, undefined, left);
  for (let times = 0; times < 2; times += 1) {
    const response = await chat(api.url, { model: "a" });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("connection"), "close");
    await response.body?.cancel();
  }
  assert.equal((await fetch(`${api.url}/readyz`)).status, 200);
  api.requests.cut();
  await drained;
  await assert.rejects(fetch(`${api.url}/readyz`));
});
