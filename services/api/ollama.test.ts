/** What clients of Ollama and LM Studio ask the API service before anything else, and how streams of lines break. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Ollama } from "ollama";
import { gateway, model } from "./fixtures/gateway.ts";
import { bearer, key, ringOf } from "./fixtures/keys.ts";
import { chunk, type Script, upstream } from "./fixtures/scripted-upstream.ts";

const facts = {
  architecture: "llama",
  parameters: 134_515_008,
  quantization: "Q4_1",
  sizeBytes: 91_000_000,
  trainContextTokens: 8192,
  contextTokens: 4096,
  embeddingDimensions: 576,
  capabilities: ["chat", "completions"],
  memoryBytes: { ram: 100, vram: 20 },
} as const;

const models = [
  model("org/chat:q4", { endpoints: ["http://127.0.0.1:1"], facts, stay: "always" }),
  model("embedder", { state: "loading", facts: { ...facts, capabilities: ["embeddings"] } }),
  model("unknown", { state: "pending" }),
];

test("the official client finds, shows and counts the models that run", async (t) => {
  const { url } = await gateway(t, models);
  const client = new Ollama({ host: url });
  const { models: listed } = await client.list();
  assert.deepEqual(
    listed.map(({ name, size }) => [name, size]),
    [
      ["org/chat:q4", 91_000_000],
      ["embedder", 91_000_000],
    ],
  );
  const { family, parameter_size, quantization_level } = listed[0]?.details ?? {};
  assert.deepEqual([family, parameter_size, quantization_level], ["llama", "134.52M", "Q4_1"]);
  const shown = await client.show({ model: "org/chat:q4" });
  assert.deepEqual(shown.capabilities, ["completion", "tools"]);
  assert.equal(
    (shown.model_info as unknown as Record<string, unknown>)["llama.context_length"],
    8192,
  );
  assert.deepEqual((await client.show({ model: "embedder" })).capabilities, ["embedding"]);
  await assert.rejects(client.show({ model: "nobody" }));
  const { models: running } = await client.ps();
  assert.deepEqual(
    running.map(({ name, size, size_vram }) => [name, size, size_vram]),
    [["org/chat:q4", 120, 20]],
  );
  assert.match((await client.version()).version, /^\d+\.\d+\.\d+$/);
});

for (const body of [
  { model: "embedder", name: "" },
  { model: "", name: "embedder" },
  { name: "embedder" },
])
  test(`a model is shown by the name in ${JSON.stringify(body)}`, async (t) => {
    const { url } = await gateway(t, models);
    const shown = await fetch(`${url}/api/show`, { method: "POST", body: JSON.stringify(body) });
    const { capabilities } = (await shown.json()) as { readonly capabilities: object };
    assert.deepEqual(capabilities, ["embedding"]);
  });

test("a request to show a model that names none is told where to name it", async (t) => {
  const { url } = await gateway(t, models);
  const body = JSON.stringify({ model: "", name: "" });
  const refused = await fetch(`${url}/api/show`, { method: "POST", body });
  assert.equal(refused.status, 400);
  assert.match(((await refused.json()) as { readonly error: string }).error, /'model'/u);
});

test("LM Studio's list says what a model is and whether it is loaded", async (t) => {
  const { url } = await gateway(t, models);
  const { data } = (await (await fetch(`${url}/api/v0/models`)).json()) as { data: object[] };
  assert.deepEqual(data[0], {
    id: "org/chat:q4",
    object: "model",
    type: "llm",
    arch: "llama",
    compatibility_type: "gguf",
    quantization: "Q4_1",
    state: "loaded",
    max_context_length: 8192,
    loaded_context_length: 4096,
    capabilities: ["tool_use"],
  });
  const one = await fetch(`${url}/api/v0/models/org%2Fchat:q4`);
  assert.deepEqual(await one.json(), data[0]);
});

test("a key sees the models that it may use, and nobody sees any without one", async (t) => {
  const { url } = await gateway(t, models, {
    keys: ringOf(key("alice", { models: ["embedder"] })),
  });
  for (const path of ["/api/tags", "/api/ps", "/api/version", "/api/v0/models"]) {
    assert.equal((await fetch(url + path)).status, 401, path);
  }
  const tags = await fetch(`${url}/api/tags`, { headers: bearer("alice") });
  const { models: listed } = (await tags.json()) as { models: { name: string }[] };
  assert.deepEqual(
    listed.map(({ name }) => name),
    ["embedder"],
  );
});

const HEAD =
  "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n";
const line = (content: string, rest: object = { done: false }) =>
  `${JSON.stringify({ message: { role: "assistant", content }, ...rest })}\n`;

async function chatOf(t: TestContext, script: Script, options: { keepAliveMs?: number } = {}) {
  const server = await upstream(t, script);
  const { url } = await gateway(t, [model("a", { endpoints: [server.url] })], options);
  return new Ollama({ host: url }).chat({ model: "a", messages: [], stream: true });
}

test("a stream of lines that breaks ends with an error that the client throws", async (t) => {
  const stream = await chatOf(t, (socket) => {
    socket.end(HEAD + chunk(line("Hel")) + chunk('{"message":{"ro'));
  });
  let text = "";
  await assert.rejects(async () => {
    for await (const part of stream) text += part.message.content;
  }, /ended the connection/u);
  assert.equal(text, "Hel");
});

test("a stream whose last line has come is complete, however its connection ends", async (t) => {
  const stream = await chatOf(t, (socket) => {
    socket.end(HEAD + chunk(` ${line("Hel")}`) + chunk(line("lo", { done: true })));
  });
  let text = "";
  for await (const part of stream) text += part.message.content;
  assert.equal(text, "Hello");
});

test("a model whose weights are still to come is not listed yet, as by Ollama, and one that serves is whatever is known of it", async (t) => {
  const serving = model("served", { endpoints: ["http://127.0.0.1:1"] });
  const { url } = await gateway(t, [...models, serving]);
  const { models: listed } = (await (await fetch(`${url}/api/tags`)).json()) as {
    models: { name: string; size?: number }[];
  };
  assert.deepEqual(
    listed.map(({ name, size }) => [name, size]),
    [
      ["org/chat:q4", 91_000_000],
      ["embedder", 91_000_000],
      ["served", undefined],
    ],
  );
  const { models: running } = (await (await fetch(`${url}/api/ps`)).json()) as {
    models: object[];
  };
  assert.deepEqual(
    running.map((one) => ["size" in one, "size_vram" in one]),
    [
      [true, true],
      [false, false],
    ],
  );
});

/** What clients in typed languages (Zed's, Go's) find in every model of the list, or they read none of it. */
test("every model whose weights are there is listed with all that typed clients read", async (t) => {
  const { architecture, sizeBytes } = facts;
  const inspected = model("inspected", { state: "asleep", facts: { architecture, sizeBytes } });
  const { url } = await gateway(t, [...models, inspected]);
  const { models: listed } = (await (await fetch(`${url}/api/tags`)).json()) as {
    models: Record<string, unknown>[];
  };
  const digests = new Set<unknown>();
  for (const { name, modified_at, size, digest, details } of listed) {
    for (const text of [name, modified_at, digest]) assert.equal(typeof text, "string");
    assert.match(String(digest), /^[0-9a-f]{64}$/);
    digests.add(digest);
    assert.ok(Number.isInteger(size));
    const { families, ...texts } = details as Record<string, unknown>;
    assert.ok(Array.isArray(families));
    for (const field of ["format", "family", "parameter_size", "quantization_level"]) {
      assert.equal(typeof texts[field], "string", field);
    }
  }
  assert.equal(digests.size, listed.length);
});

test("when a model that is loaded leaves memory is told where it is known, and as Ollama tells that one never does", async (t) => {
  const usedAtMs = Date.parse("2100-01-01T10:00:00Z");
  const loaded = { endpoints: ["http://127.0.0.1:1"], facts };
  const { url } = await gateway(t, [
    model("kept", { ...loaded, stay: "always" }),
    model("idle", { ...loaded, stay: { idleSeconds: 600, usedAtMs } }),
    model("unknown", { ...loaded, stay: { idleSeconds: 600 } }),
    model("told nothing", loaded),
  ]);
  const { models: running } = (await (await fetch(`${url}/api/ps`)).json()) as {
    models: { expires_at?: string }[];
  };
  const [kept, ...others] = running.map((one) => one.expires_at);
  // From twenty years on, Ollama's program says "Forever".
  assert.ok(new Date(kept ?? "").getFullYear() > new Date().getFullYear() + 21);
  assert.deepEqual(others, ["2100-01-01T10:10:00.000Z", undefined, undefined]);
});

test("a model's digest is the same before and after it is loaded", async (t) => {
  const { sizeBytes, architecture } = facts;
  const digests: unknown[] = [];
  for (const known of [{ sizeBytes, architecture }, facts]) {
    const { url } = await gateway(t, [model("a", { facts: known })]);
    const { models: listed } = await new Ollama({ host: url }).list();
    digests.push(listed[0]?.digest);
  }
  assert.equal(digests[0], digests[1]);
});

test("a name with Ollama's default tag is the model of that name, unless one is called so", async (t) => {
  const tagged = model("b:latest", { aliases: [] });
  const { url } = await gateway(t, [model("a", { facts }), model("b"), tagged]);
  const shown = (name: string) =>
    fetch(`${url}/api/v0/models/${encodeURIComponent(name)}`).then((response) => response.json());
  const ids = await Promise.all(["a:latest", "b:latest", "b", "a:other"].map(shown));
  assert.deepEqual(
    ids.map((one) => (one as { id?: string }).id),
    ["a", "b:latest", "b", undefined],
  );
});

test("what is no endpoint of a model is refused in Ollama's form, too", async (t) => {
  const { url } = await gateway(t, models, { keys: ringOf(key("alice")) });
  for (const [path, method, status] of [
    ["/api/tags", "GET", 401],
    ["/api/show", "POST", 404],
    ["/api/pull", "POST", 404],
    ["/api/tags", "POST", 405],
  ] as const) {
    const response = await fetch(url + path, {
      method,
      headers: { "content-type": "application/json", ...(status !== 401 && bearer("alice")) },
      ...(method === "POST" && { body: JSON.stringify({ model: "nobody" }) }),
    });
    assert.equal(response.status, status, path);
    const refusal = (await response.json()) as { error: unknown };
    assert.equal(typeof refusal.error, "string", path);
  }
});
