/**
 * Open WebUI as PyPI has it, its whole server, with the environment that docs/clients.md tells it and the settings of
 * docs/rerank.md: what a user does in its pages is asked of the same server here.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, suite, test } from "node:test";
import { parse as parseYaml } from "yaml";
import { pythonEnvironment } from "../build/python-environment.ts";
import { ApiProcess } from "../support/api-process.ts";
import { programsOf } from "../support/documented-commands.ts";
import { eventually } from "../support/eventually.ts";
import { ofItsOwn } from "../support/foreign-program.ts";
import { freePort } from "../support/free-ports.ts";
import { ModelServer } from "../support/model-server.ts";
import { writeRecitingModel } from "../support/reciting-model.ts";
import { fileOf } from "../support/glyph-files.ts";
import { writeSeeingModel } from "../support/seeing-models.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyEmbeddingModel } from "../support/tiny-models.ts";

const DOCUMENTED_URL = "http://localhost:1234";
const START = "from open_webui import app; app()";
const START_TIMEOUT_MS = 300_000;
const ANSWER = "The word is violet.";
const TEXTS = ["a river in the city", "the king of the river", "a city by the sea"];
const QUERY = "the king";
/** What a picture of the tests' projector becomes. */
const PICTURE_TOKENS = 64;
const LONGEST_TEXT = Math.max(...TEXTS.map((text) => text.length));

type Compose = {
  readonly services: {
    readonly "open-webui": { readonly environment: Readonly<Record<string, string>> };
  };
};
type Ranking = { readonly results: readonly { index: number; relevance_score: number }[] };

suite("Open WebUI", () => {
  let folder: TemporaryFolder;
  const servers: ModelServer[] = [];
  let api: ApiProcess;
  let program: ChildProcess;
  let url: string;
  let token: string;

  before(async () => {
    const python = await pythonEnvironment("open-webui", (line) => console.error(line));
    folder = await TemporaryFolder.create();
    await writeModels(folder);
    for (const modelId of ["my-model", "my-embedder", "my-reranker"]) {
      const weightsPath = folder.file(`${modelId}.gguf`);
      servers.push(await ModelServer.ready({ weightsPath, modelId }));
    }
    const seeing = await writeSeeingModel(folder, { contextLength: 1024 });
    const sampling = { temperature: 0 };
    servers.push(await ModelServer.ready({ ...seeing, modelId: "my-seer", sampling }));
    const models = servers.map((one) => ({ id: one.modelId, endpoints: [one.url] }));
    api = await ApiProcess.start({ models });
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    program = await start(python, port);
    await untilHealthy(program, url);
    ({ token } = (await asked("/api/v1/auths/signin", { email: "", password: "" })) as {
      token: string;
    });
  });
  after(async () => {
    if (program.exitCode === null && program.kill("SIGKILL")) await once(program, "exit");
    await api.stop();
    for (const server of servers) await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  async function start(python: string, port: number): Promise<ChildProcess> {
    const composed = (await programsOf("docs/clients.md", "yaml"))
      .map((text) => parseYaml(text) as Partial<Compose>)
      .find(({ services }) => services !== undefined);
    const documented = composed?.services?.["open-webui"].environment ?? {};
    const here = Object.entries(documented).map(
      ([name, value]) => [name, value.replaceAll(DOCUMENTED_URL, api.url)] as const,
    );
    assert.ok(here.some(([, value]) => value.startsWith(api.url)));
    return spawn(python, ["-c", START, "serve", "--host", "127.0.0.1", "--port", `${port}`], {
      cwd: folder.path,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...ofItsOwn(folder.path),
        DATA_DIR: folder.path,
        // Nobody logs in, and nothing is fetched but what is asked for here.
        WEBUI_AUTH: "false",
        OFFLINE_MODE: "true",
        ...Object.fromEntries(here),
      },
    });
  }

  async function asked(path: string, body?: object): Promise<unknown> {
    const response = await fetch(url + path, {
      headers: {
        "content-type": "application/json",
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
    });
    const text = await response.text();
    assert.equal(response.status, 200, `${path}: ${text}`);
    return response.headers.get("content-type")?.startsWith("application/json") === true
      ? JSON.parse(text)
      : text;
  }

  const chat = { model: "my-model", messages: [{ role: "user", content: "Hi" }] };

  test("finds the models, and shows what one of them says", async () => {
    const { data } = (await asked("/api/models")) as { data: readonly { id: string }[] };
    assert.deepEqual(data.map(({ id }) => id).toSorted(), [
      "my-embedder",
      "my-model",
      "my-reranker",
      "my-seer",
    ]);
    const whole = await asked("/api/chat/completions", { ...chat, stream: false });
    const { choices } = whole as { choices: readonly { message: { content: string } }[] };
    assert.equal(choices[0]?.message.content, ANSWER);
    const streamed = await asked("/api/chat/completions", { ...chat, stream: true });
    const pieces = String(streamed).match(/(?<="content": ?")[^"]*/g) ?? [];
    assert.equal(pieces.join(""), ANSWER);
  });

  /** As its page puts a picture beside a question. The model says noise, but the same noise only for the same picture. */
  test("shows a model the picture of a message", async () => {
    type Said = { readonly choices: readonly { readonly message: { readonly content: string } }[] };
    const said = ({ choices }: Said) => choices[0]?.message.content ?? assert.fail();
    const shown = async (word: string) =>
      said((await asked("/api/chat/completions", shownTo(await pictureOf(word)))) as Said);
    const direct = await api.post("/v1/chat/completions", shownTo(await pictureOf("HELLO")));
    assert.equal(await shown("HELLO"), said((await direct.json()) as Said));
    assert.notEqual(await shown("WORLD"), await shown("HELLO"));
  });

  test("finds the models as Ollama's, and shows what one of them says", async () => {
    const settings = { ENABLE_OLLAMA_API: true, OLLAMA_BASE_URLS: [api.url] };
    await asked("/ollama/config/update", { ...settings, OLLAMA_API_CONFIGS: {} });
    const { models } = (await asked("/ollama/api/tags")) as { models: readonly { name: string }[] };
    assert.ok(models.some(({ name }) => name === "my-model"));
    const { version } = (await asked("/ollama/api/version")) as { version: string };
    assert.match(version, /^\d+\.\d+\.\d+$/);
    const lines = String(await asked("/ollama/api/chat", { ...chat, stream: true }));
    const said = lines
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { message: { content: string }; done: boolean });
    assert.equal(said.map(({ message }) => message.content).join(""), ANSWER);
    assert.equal(said.at(-1)?.done, true);
  });

  test("shows a model of Ollama's the picture of a message", async () => {
    const messages = [{ role: "user", content: "What is it?", images: [await pictureOf("HELLO")] }];
    const options = { num_predict: 8 };
    const answer = await asked("/ollama/api/chat", {
      model: "my-seer",
      stream: false,
      options,
      messages,
    });
    const { prompt_eval_count: tokens } = answer as { readonly prompt_eval_count: number };
    assert.ok(tokens > PICTURE_TOKENS, String(tokens));
  });

  test("puts what it has found in the order of the reranker", async () => {
    const key = "any";
    await asked("/api/v1/retrieval/embedding/update", {
      RAG_EMBEDDING_ENGINE: "openai",
      RAG_EMBEDDING_MODEL: "my-embedder",
      openai_config: { url: `${api.url}/v1`, key },
    });
    await asked("/api/v1/retrieval/config/update", {
      ENABLE_RAG_HYBRID_SEARCH: true,
      RAG_RERANKING_ENGINE: "external",
      RAG_EXTERNAL_RERANKER_URL: `${api.url}/v1/rerank`,
      RAG_EXTERNAL_RERANKER_API_KEY: key,
      RAG_RERANKING_MODEL: "my-reranker",
      // Each of the texts becomes one piece.
      TEXT_SPLITTER: "character",
      CHUNK_SIZE: LONGEST_TEXT + 2,
      CHUNK_OVERLAP: 0,
    });
    const notes = { name: "notes", content: TEXTS.join("\n\n"), collection_name: "notes" };
    await asked("/api/v1/retrieval/process/text", notes);
    const found = (await asked("/api/v1/retrieval/query/doc", {
      collection_name: "notes",
      query: QUERY,
      k: TEXTS.length,
      k_reranker: TEXTS.length,
    })) as { documents: readonly (readonly string[])[]; distances: readonly number[][] };
    const body = { model: "my-reranker", query: QUERY, documents: TEXTS };
    const { results } = (await (await api.post("/v1/rerank", body)).json()) as Ranking;
    assert.deepEqual(
      found.documents[0],
      results.map(({ index }) => TEXTS[index]),
    );
    for (const [rank, { relevance_score: score }] of results.entries()) {
      assert.ok(Math.abs(score - (found.distances[0]?.[rank] ?? Infinity)) < 0.01);
    }
  });
});

const shownTo = (png: string) => ({
  model: "my-seer",
  stream: false,
  max_tokens: 8,
  messages: [
    {
      role: "user",
      content: [
        { type: "text", text: "What is it?" },
        { type: "image_url", image_url: { url: `data:image/png;base64,${png}` } },
      ],
    },
  ],
});

async function pictureOf(word: string): Promise<string> {
  return (await fileOf(word).png().toBuffer()).toString("base64");
}

async function writeModels(folder: TemporaryFolder): Promise<void> {
  await writeRecitingModel(folder.file("my-model.gguf"), {
    texts: { answers: ANSWER },
    cue: "'answers'",
    contextLength: 4096,
  });
  await writeTinyEmbeddingModel(folder.file("my-embedder.gguf"));
  await writeTinyEmbeddingModel(folder.file("my-reranker.gguf"), { ranks: true });
}

async function untilHealthy(program: ChildProcess, url: string): Promise<void> {
  const log: string[] = [];
  for (const stream of [program.stdout, program.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => log.push(text));
  }
  await eventually(
    "Open WebUI's server",
    async () => assert.ok((await fetch(`${url}/health`)).ok),
    { timeoutMs: START_TIMEOUT_MS },
  ).catch((error: unknown) => {
    throw new Error(`Open WebUI does not serve:\n${log.join("")}`, { cause: error });
  });
}
