/**
 * The commands of docs/responses.md, and its program for the AI SDK, sent to a model that says what comes: their answers have
 * the form that the page promises.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { relative } from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import type OpenAI from "openai";
import { ApiProcess } from "../support/api-process.ts";
import { commandsOf, isRunBy, programsOf, REPOSITORY } from "../support/documented-commands.ts";
import { ModelServer } from "../support/model-server.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const SELF = relative(REPOSITORY, import.meta.filename);
const DOCUMENTED_URL = "http://localhost:1234";

const run = promisify(execFile);

async function serve(t: TestContext): Promise<ModelServer> {
  const folder = await TemporaryFolder.create();
  t.after(() => folder[Symbol.asyncDispose]());
  await writeTinyChatModel(folder.file("tiny.gguf"));
  const server = await ModelServer.ready({
    weightsPath: folder.file("tiny.gguf"),
    modelId: "smollm2-135m",
    sampling: { maxTokens: 20 },
    engine: { contextTokens: 2048 },
  });
  t.after(() => server[Symbol.asyncDispose]());
  return server;
}

function at(url: string, program: string): string {
  assert.ok(program.includes(DOCUMENTED_URL), program);
  return program.replaceAll(DOCUMENTED_URL, url);
}

test("the documented request is answered by a response with a message", async (t) => {
  const { url } = await serve(t);
  const commands = (await commandsOf("docs/responses.md")).filter((one) => isRunBy(one, SELF));
  assert.equal(commands.length, 1);
  for (const { text } of commands) {
    const { stdout } = await run("bash", ["-euo", "pipefail", "-c", at(url, text)]);
    const response = JSON.parse(stdout) as OpenAI.Responses.Response;
    assert.equal(response.object, "response", stdout);
    const message = response.output.at(-1);
    assert.ok(message?.type === "message" && message.content[0]?.type === "output_text", stdout);
  }
});

test("the documented program of the AI SDK goes on with its first answer", async (t) => {
  const { url } = await serve(t);
  const api = await ApiProcess.start({ models: [{ id: "smollm2-135m", endpoints: [url] }] });
  t.after(() => api.stop());
  const programs = await programsOf("docs/responses.md", "js");
  const [program = "", ...others] = programs.filter((one) => one.includes("@ai-sdk/openai"));
  assert.equal(others.length, 0);
  const args = ["--input-type=module", "--eval", at(api.url, program)];
  const { stdout } = await run(process.execPath, args, { cwd: REPOSITORY });
  assert.match(stdout, /\S/);
});
