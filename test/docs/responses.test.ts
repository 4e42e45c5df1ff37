/** The commands of docs/responses.md, sent to a model that says what comes: their answers have the form that the page promises. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { relative } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import type OpenAI from "openai";
import { commandsOf, isRunBy, REPOSITORY } from "../support/documented-commands.ts";
import { ModelServer } from "../support/model-server.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const SELF = relative(REPOSITORY, import.meta.filename);
const DOCUMENTED_URL = "http://localhost:1234";

test("the documented request is answered by a response with a message", async (t) => {
  const folder = await TemporaryFolder.create();
  t.after(() => folder[Symbol.asyncDispose]());
  await writeTinyChatModel(folder.file("tiny.gguf"));
  await using server = await ModelServer.ready({
    weightsPath: folder.file("tiny.gguf"),
    aliases: ["smollm2-135m"],
    sampling: { maxTokens: 20 },
    engine: { contextTokens: 2048 },
  });
  const commands = (await commandsOf("docs/responses.md")).filter((one) => isRunBy(one, SELF));
  assert.equal(commands.length, 1);
  for (const { text } of commands) {
    assert.ok(text.includes(DOCUMENTED_URL));
    const script = text.replaceAll(DOCUMENTED_URL, server.url);
    const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", script]);
    const response = JSON.parse(stdout) as OpenAI.Responses.Response;
    assert.equal(response.object, "response", stdout);
    const message = response.output.at(-1);
    assert.ok(message?.type === "message" && message.content[0]?.type === "output_text", stdout);
  }
});
