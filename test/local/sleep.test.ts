/** Real models that share the memory of one: each is loaded when it is asked for, in the other's place. */
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { LocalMode } from "../support/local-mode.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel, writeTinyEmbeddingModel } from "../support/tiny-models.ts";

const ENGINE = ["--context", "256", "--slots", "1", "--threads", "1"];
const MAIN = path.join(import.meta.dirname, "../../services/local/main.ts");

type Listed = {
  readonly id: string;
  readonly state: string;
  readonly capabilities?: readonly string[];
};

test("a folder of real models answers for all of them in the memory of one", async () => {
  await using folder = await TemporaryFolder.create();
  await writeTinyChatModel(folder.file("tiny.gguf"));
  await writeTinyEmbeddingModel(folder.file("bert.gguf"));
  await using local = new LocalMode({
    main: MAIN,
    arguments: [folder.path, "--port", "0", "--memory", "700MB", ...ENGINE],
    environment: { LOCALMODEL_CACHE: folder.file(".cache") },
  });
  const url = await local.url();
  const listed = async (): Promise<readonly Listed[]> =>
    ((await (await fetch(`${url}/models`)).json()) as { data: Listed[] }).data;
  const all = await local.until("both are listed", async () => {
    const models = await listed();
    return models.length === 2 && models.every(({ state }) => state === "asleep")
      ? models
      : undefined;
  });
  const abilities = new Map(all.map(({ id, capabilities }) => [id, capabilities]));
  assert.deepEqual(abilities.get("tiny"), ["chat", "completions", "infill"]);
  assert.deepEqual(abilities.get("bert"), ["embeddings"]);

  const post = async (endpoint: string, body: object): Promise<unknown> => {
    const response = await fetch(`${url}/${endpoint}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return JSON.parse(text);
  };
  const chat = () =>
    post("chat/completions", {
      model: "tiny",
      max_tokens: 4,
      temperature: 0,
      messages: [{ role: "user", content: "Hello" }],
    }) as Promise<{ choices: { message: { content: string } }[] }>;
  const first = await chat();
  const { data } = (await post("embeddings", { model: "bert", input: "Hello" })) as {
    data: { embedding: number[] }[];
  };
  assert.ok((data[0]?.embedding.length ?? 0) > 0);
  await local.until("the first sleeps", async () =>
    (await listed()).some(({ id, state }) => id === "tiny" && state === "asleep")
      ? true
      : undefined,
  );
  // What the headers said was true.
  const loaded = (await listed()).map(({ id, capabilities }) => [id, capabilities] as const);
  assert.deepEqual(new Map(loaded), abilities);
  // The same seed and weights, loaded again, say the same.
  assert.equal((await chat()).choices[0]?.message.content, first.choices[0]?.message.content);
});
