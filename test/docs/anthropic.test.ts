/** The command of docs/anthropic.md, as it stands there. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { relative } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import type Anthropic from "@anthropic-ai/sdk";
import { commandsOf, isRunBy, REPOSITORY } from "../support/documented-commands.ts";
import { ModelServer } from "../support/model-server.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const SELF = relative(REPOSITORY, import.meta.filename);
const DOCUMENTED_URL = "http://localhost:1234";

test("the documented request is answered by a message", async (t) => {
  const folder = await TemporaryFolder.create();
  t.after(() => folder[Symbol.asyncDispose]());
  await writeTinyChatModel(folder.file("tiny.gguf"));
  await using server = await ModelServer.ready({
    weightsPath: folder.file("tiny.gguf"),
    aliases: ["smollm2-135m"],
    engine: { contextTokens: 512 },
  });
  const commands = (await commandsOf("docs/anthropic.md")).filter((one) => isRunBy(one, SELF));
  assert.equal(commands.length, 1);
  for (const { text } of commands) {
    assert.ok(text.includes(DOCUMENTED_URL));
    const script = text.replaceAll(DOCUMENTED_URL, server.url);
    const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", script]);
    const message = JSON.parse(stdout) as Anthropic.Message;
    assert.deepEqual([message.type, message.role], ["message", "assistant"], stdout);
    assert.ok(message.usage.output_tokens > 0, stdout);
  }
});
