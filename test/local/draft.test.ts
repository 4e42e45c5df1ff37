/**
 * A draft model that a document names, as on a laptop: it is fetched with the weights, loaded beside them, and changes no
 * text. What the engine makes of it is tested beside the engine.
 */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import OpenAI, { InternalServerError } from "openai";
import { LocalMode } from "../support/local-mode.ts";
import { smollm2Path } from "../support/smollm2.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const MAIN = fileURLToPath(new URL("../../services/local/main.ts", import.meta.url));

let folder: TemporaryFolder;
let local: LocalMode;
let client: OpenAI;

before(async () => {
  folder = await TemporaryFolder.create();
  await writeTinyChatModel(folder.file("tiny.gguf"));
  const weights = await smollm2Path();
  await writeFile(
    folder.file("models.yaml"),
    [
      document("plain", weights),
      document("drafted", weights, weights),
      document("mistaken", weights, folder.file("tiny.gguf")),
    ].join("---\n"),
  );
  local = new LocalMode({ main: MAIN, arguments: [folder.file("models.yaml"), "--port", "0"] });
  client = new OpenAI({ baseURL: await local.url(), apiKey: "unused", maxRetries: 8 });
});

after(async () => {
  await local?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

const file = (path: string) => `{ file: { path: ${JSON.stringify(path)} } }`;

function document(name: string, path: string, draft?: string): string {
  return `apiVersion: localmodel.dev/v1alpha1
kind: LocalModel
metadata: { name: ${name} }
spec:
  source: ${file(path)}
  engine: { slots: 2, threads: 1, gpuLayers: 0, contextTokens: 1024 }
${draft === undefined ? "" : `  draft: ${file(draft)}\n`}`;
}

async function ask(model: string) {
  const { choices, usage } = await client.chat.completions.create({
    model,
    messages: [{ role: "user", content: "Count from one to twenty." }],
    temperature: 0,
    max_tokens: 40,
  });
  return { text: choices[0]?.message.content, tokens: usage?.completion_tokens };
}

test("a model with a draft model says what it says without", async () => {
  const plain = await ask("plain");
  assert.ok((plain.text ?? "").length > 20, plain.text ?? "");
  assert.deepEqual(await ask("drafted"), plain);
});

test("a draft model with another vocabulary fails the model, and says why", async () => {
  const asked = client.chat.completions.create(
    { model: "mistaken", messages: [{ role: "user", content: "Hello" }], max_tokens: 1 },
    { maxRetries: 0 },
  );
  await assert.rejects(asked, (error) => {
    assert.ok(error instanceof InternalServerError, String(error));
    assert.match(error.message, /draft/);
    return true;
  });
});
