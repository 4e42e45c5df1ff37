/** The examples of docs/reasoning.md, sent to a model that thinks noise: within its budget, and apart from its answer. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { relative } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import type OpenAI from "openai";
import { type Command, commandsOf, isRunBy, REPOSITORY } from "../support/documented-commands.ts";
import { ModelServer } from "../support/model-server.ts";
import { lackOf, outputOf } from "../support/python-programs.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const PAGE = "docs/reasoning.md";
const SELF = relative(REPOSITORY, import.meta.filename);
/** Of the text that ends what is thought, in the tokens of a tiny vocabulary. */
const END_TOKENS_MAX = 16;
const DOCUMENTED_URL = "http://localhost:1234";
const TEMPLATE = `{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
<think>
{% endif %}`;

suite("reasoning as documented", { timeout: 120_000 }, () => {
  let folder: TemporaryFolder;
  let server: ModelServer;
  before(async () => {
    folder = await TemporaryFolder.create();
    await writeTinyChatModel(folder.file("tiny.gguf"), { chatTemplate: TEMPLATE });
    server = await ModelServer.ready({
      weightsPath: folder.file("tiny.gguf"),
      aliases: ["qwen3"],
      engine: { contextTokens: 2048, threads: 1 },
    });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  /** Of what the page says that this test runs, the one block of a language. */
  async function only(language: string): Promise<string> {
    const found = (await commandsOf(PAGE, language)).filter((one) => isRunBy(one, SELF));
    const [{ text }] = found as [Command];
    assert.ok(found.length === 1 && text.includes(DOCUMENTED_URL));
    return text.replaceAll(DOCUMENTED_URL, server.url);
  }

  test("the request with curl is thought about, and answered by one of its choices", async () => {
    const script = await only("sh");
    const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", script]);
    const { choices, usage } = JSON.parse(stdout) as OpenAI.ChatCompletion;
    assert.ok(["one", "two", "three"].includes(choices[0]?.message.content ?? ""), stdout);
    // A model of noise may end at once what it thinks; it never goes on behind the budget and what ends it.
    const { reasoning_tokens: tokens = Infinity } = usage?.completion_tokens_details ?? {};
    assert.ok(tokens <= 64 + END_TOKENS_MAX, stdout);
  });

  test("the program in Python prints how many tokens were thought, and no more than it allows", async (t) => {
    const program = await only("python");
    const lack = await lackOf(program);
    if (lack !== undefined) return t.skip(lack);
    const tokens = Number((await outputOf(program)).trim().split("\n").at(-1));
    assert.ok(tokens >= 0 && tokens <= 512 + END_TOKENS_MAX, String(tokens));
  });
});
