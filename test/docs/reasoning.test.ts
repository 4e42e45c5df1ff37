/** The command of docs/reasoning.md, sent to a model that thinks noise: within its budget, and apart from its answer. */
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
/** Of the text that ends what is thought, in the tokens of a tiny vocabulary. */
const END_TOKENS_MAX = 16;
const DOCUMENTED_URL = "http://localhost:1234";
const TEMPLATE = `{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
<think>
{% endif %}`;

test("the documented request is thought about, and answered by one of its choices", async (t) => {
  const folder = await TemporaryFolder.create();
  t.after(() => folder[Symbol.asyncDispose]());
  await writeTinyChatModel(folder.file("tiny.gguf"), { chatTemplate: TEMPLATE });
  await using server = await ModelServer.ready({
    weightsPath: folder.file("tiny.gguf"),
    aliases: ["qwen3"],
    engine: { contextTokens: 2048, threads: 1 },
  });
  const commands = (await commandsOf("docs/reasoning.md")).filter((one) => isRunBy(one, SELF));
  assert.equal(commands.length, 1);
  for (const { text } of commands) {
    assert.ok(text.includes(DOCUMENTED_URL));
    const script = text.replaceAll(DOCUMENTED_URL, server.url);
    const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", script]);
    const { choices, usage } = JSON.parse(stdout) as OpenAI.ChatCompletion;
    assert.ok(["one", "two", "three"].includes(choices[0]?.message.content ?? ""), stdout);
    // A model of noise may end at once what it thinks; it never goes on behind the budget and what ends it.
    const { reasoning_tokens: tokens = Infinity } = usage?.completion_tokens_details ?? {};
    assert.ok(tokens <= 64 + END_TOKENS_MAX, stdout);
  }
});
