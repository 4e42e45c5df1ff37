/**
 * The whole path, as on a laptop: YAML, local mode, the API service, a real model server, the official
 * client. What each part does alone is tested beside it; this is that they fit.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import OpenAI, { BadRequestError, NotFoundError } from "openai";
import { LocalMode } from "../support/local-mode.ts";
import { eventsOf, post } from "../support/raw-request.ts";
import { smollm2Path } from "../support/smollm2.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeNoiseLora } from "../support/noise-lora.ts";
import { writeTinyChatModel, writeTinyEmbeddingModel } from "../support/tiny-models.ts";

const MAIN = fileURLToPath(new URL("../../services/local/main.ts", import.meta.url));

let folder: TemporaryFolder;
let local: LocalMode;
let client: OpenAI;
before(async () => {
  folder = await TemporaryFolder.create();
  await writeTinyChatModel(folder.file("tiny.gguf"), { contextLength: 65_536 });
  await writeTinyEmbeddingModel(folder.file("bert.gguf"));
  await writeTinyChatModel(folder.file("small.gguf"));
  await writeNoiseLora(folder.file("tone.gguf"));
  const engine = "{ slots: 2, threads: 1, gpuLayers: 0 }";
  // A chat that nobody stops fills the context, and takes longer than any test waits.
  const endless = "{ slots: 2, threads: 1, gpuLayers: 0, contextTokens: 65536 }";
  await writeFile(
    folder.file("models.yaml"),
    [
      document("org/smollm2", await smollm2Path(), engine),
      document("tiny", folder.file("tiny.gguf"), endless),
      document("bert", folder.file("bert.gguf"), engine),
      document("small", folder.file("small.gguf"), engine) + adapter("tone"),
    ].join("---\n"),
  );
  local = new LocalMode({ main: MAIN, arguments: [folder.file("models.yaml"), "--port", "0"] });
  // The client's own retries are what bridges loading, so they are part of what is tested.
  client = new OpenAI({ baseURL: await local.url(), apiKey: "unused", maxRetries: 8 });
});
after(async () => {
  await local[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function document(modelId: string, path: string, engine: string): string {
  return `apiVersion: localmodel.dev/v1alpha1
kind: LocalModel
metadata: { name: ${modelId.replace("/", "-")} }
spec:
  modelId: ${modelId}
  aliases: [also-${modelId.replace("/", "-")}]
  source: { file: { path: ${JSON.stringify(path)} } }
  engine: ${engine}
`;
}

function adapter(id: string): string {
  const path = JSON.stringify(folder.file(`${id}.gguf`));
  return `  adapters: [{ id: ${id}, file: { path: ${path} } }]\n`;
}

test("a client that asks while models load gets its answer, and all models are listed", async () => {
  const answer = await client.chat.completions.create({
    model: "org/smollm2",
    messages: [
      { role: "system", content: "You are a helpful assistant." },
      { role: "user", content: "What is the capital of France?" },
    ],
    temperature: 0,
    max_tokens: 24,
  });
  assert.match(answer.choices[0]?.message.content ?? "", /Paris/);
  const ids = (await Array.fromAsync(client.models.list())).map(({ id }) => id);
  for (const id of ["org/smollm2", "tiny", "bert"]) assert.ok(ids.includes(id), ids.join());
  assert.equal((await client.models.retrieve("org/smollm2")).id, "org/smollm2");
});

test("the request that helm test makes in a cluster gets its answer", async () => {
  const script = fileURLToPath(new URL("../../charts/localmodel/files/chat.mjs", import.meta.url));
  const env = { MODEL_URL: new URL(await local.url()).origin, TIMEOUT_SECONDS: "120" };
  const ask = (model: string) =>
    promisify(execFile)(process.execPath, [script], { env: { ...env, MODEL: model } });
  assert.match((await ask("org/smollm2")).stdout, /^models: .*\norg\/smollm2: ".+" \(\d+ tokens\)/);
  await assert.rejects(ask("nobody"), /answered 404.*nobody/s);
});

test("each model answers under its id and alias, with the endpoints it is capable of", async () => {
  for (const model of ["tiny", "also-tiny"]) {
    const answer = await client.completions.create({ model, prompt: "water", max_tokens: 3 });
    assert.equal(answer.choices.length, 1);
  }
  const { data } = await client.embeddings.create({ model: "bert", input: ["one", "two"] });
  assert.deepEqual(
    data.map(({ embedding }) => embedding.length),
    [64, 64],
  );
  await assert.rejects(client.embeddings.create({ model: "tiny", input: "x" }), BadRequestError);
  await assert.rejects(
    client.completions.create({ model: "gpt-4o", prompt: "x" }),
    (error) => error instanceof NotFoundError && /also-tiny|tiny/.test(error.message),
  );
});

test("an adapter is listed beside its model and answers under its own id", async () => {
  const { id, parent } = (await client.models.retrieve("tone")) as OpenAI.Model & {
    parent?: string;
  };
  assert.deepEqual([id, parent], ["tone", "small"]);
  const prompt = { prompt: "The sea", max_tokens: 12, temperature: 0 };
  const [own, adapted] = await Promise.all(
    ["small", "tone"].map((model) => client.completions.create({ model, ...prompt })),
  );
  assert.deepEqual([own?.model, adapted?.model], ["small", "tone"]);
  assert.notEqual(own?.choices[0]?.text, adapted?.choices[0]?.text);
});

test("a stream passes through token by token, and its errors reach the client as they are", async () => {
  const base = await local.url();
  const response = await post(`${base}/chat/completions`, {
    model: "org/smollm2",
    messages: [{ role: "user", content: "Count to ten." }],
    max_tokens: 12,
    temperature: 0,
    stream: true,
  });
  assert.equal(response.status, 200);
  assert.ok(response.headers["x-request-id"]);
  const events = await Array.fromAsync(eventsOf(response.body));
  assert.equal(events.at(-1), "[DONE]");
  assert.ok(events.length > 8, `only ${events.length} events`);
  await assert.rejects(
    client.chat.completions.create({
      model: "tiny",
      messages: [{ role: "user", content: "word ".repeat(90_000) }],
      stream: true,
    }),
    (error) => error instanceof BadRequestError && error.code === "context_length_exceeded",
  );
});

test("a client that hangs up on the api frees the slot of the model server", async () => {
  const base = await local.url();
  const hangUps = [new AbortController(), new AbortController()];
  for (const { signal } of hangUps) {
    const body = {
      model: "tiny",
      messages: [{ role: "user", content: "x" }],
      ignore_eos: true,
      stream: true,
    };
    const response = await post(`${base}/chat/completions`, body, { signal });
    await eventsOf(response.body).next();
  }
  for (const hangUp of hangUps) hangUp.abort();
  const body = { model: "tiny", prompt: "x", max_tokens: 1 };
  const answer = await client.completions.create(body, { timeout: 5_000, maxRetries: 0 });
  assert.equal(answer.choices.length, 1);
});

test("an engine that is killed is back for the client's next try, and the others never notice", async () => {
  const processes = await local.children();
  const engines = processes.filter(({ command }) => command.includes("engine/main.ts"));
  assert.equal(engines.length, 4);
  for (const { pid } of engines.slice(0, 1)) process.kill(pid, "SIGKILL");
  for (const model of ["tiny", "org/smollm2"]) {
    const answer = await client.completions.create({ model, prompt: "water", max_tokens: 2 });
    assert.equal(answer.choices.length, 1);
  }
  assert.equal((await client.embeddings.create({ model: "bert", input: "x" })).data.length, 1);
});
