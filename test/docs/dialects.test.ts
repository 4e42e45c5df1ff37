/** The commands of docs/anthropic.md and docs/ollama.md, as they stand there. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { relative } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import type Anthropic from "@anthropic-ai/sdk";
import type { ChatResponse } from "ollama";
import { commandsOf, isRunBy, REPOSITORY } from "../support/documented-commands.ts";
import { ModelServer } from "../support/model-server.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const SELF = relative(REPOSITORY, import.meta.filename);
const DOCUMENTED_URL = "http://localhost:1234";

const ANSWERS: Readonly<Record<string, (answer: never) => void>> = {
  "docs/anthropic.md": ({ type, role, usage }: Anthropic.Message) => {
    assert.deepEqual([type, role], ["message", "assistant"]);
    assert.ok(usage.output_tokens > 0);
  },
  "docs/ollama.md": ({ done, message, eval_count }: ChatResponse) => {
    assert.deepEqual([done, message.role], [true, "assistant"]);
    assert.ok(eval_count > 0);
  },
};

test("the documented requests are answered", async (t) => {
  const folder = await TemporaryFolder.create();
  t.after(() => folder[Symbol.asyncDispose]());
  await writeTinyChatModel(folder.file("tiny.gguf"));
  await using server = await ModelServer.ready({
    weightsPath: folder.file("tiny.gguf"),
    aliases: ["smollm2-135m"],
    engine: { contextTokens: 512 },
  });
  for (const [page, check] of Object.entries(ANSWERS)) {
    const commands = (await commandsOf(page)).filter((one) => isRunBy(one, SELF));
    assert.equal(commands.length, 1);
    for (const { text } of commands) {
      assert.ok(text.includes(DOCUMENTED_URL));
      const script = text.replaceAll(DOCUMENTED_URL, server.url);
      const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", script]);
      check(JSON.parse(stdout) as never);
    }
  }
});
