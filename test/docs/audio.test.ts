/** The requests of docs/audio.md, sent to a model that hears. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, symlink, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import type OpenAI from "openai";
import { commandsOf, isRunBy, REPOSITORY } from "../support/documented-commands.ts";
import { readEmbeddingRows } from "../support/embedding-rows.ts";
import { ROWS, writeHearingProjector } from "../support/hearing-projectors.ts";
import { ModelServer } from "../support/model-server.ts";
import { tone, wavOf } from "../support/sounds.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const SELF = relative(REPOSITORY, import.meta.filename);
const DOCUMENTED_URL = "http://localhost:1234";
const RATE = 44_100;
const run = promisify(execFile);

suite("audio as documented", { timeout: 120_000 }, () => {
  let folder: TemporaryFolder;
  let server: ModelServer;

  before(async () => {
    folder = await TemporaryFolder.create();
    const [weightsPath, projectorPath] = [folder.file("tiny.gguf"), folder.file("mmproj.gguf")];
    await writeTinyChatModel(weightsPath);
    await writeHearingProjector(projectorPath, (await readEmbeddingRows(weightsPath)).dimensions);
    server = await ModelServer.ready({
      weightsPath,
      projectorPath,
      aliases: ["my-model"],
      engine: { contextTokens: 1024 },
    });
    await symlink(join(REPOSITORY, "node_modules"), folder.file("node_modules"));
    await writeFile(folder.file("speech.wav"), wavOf(tone(440, 2, RATE), RATE));
  });

  after(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const here = (script: string) => script.replaceAll(DOCUMENTED_URL, server.url);
  const inFolder = () => ({ cwd: folder.file(".") });

  test("the request with curl is answered, and the sound's tokens are counted", async () => {
    const commands = (await commandsOf("docs/audio.md")).filter((one) => isRunBy(one, SELF));
    assert.equal(commands.length, 1);
    const script = here(commands[0]?.text ?? "");
    const { stdout } = await run("bash", ["-euo", "pipefail", "-c", script], inFolder());
    const { choices, usage } = JSON.parse(stdout) as OpenAI.ChatCompletion;
    assert.equal(choices.length, 1, stdout);
    assert.equal(usage?.prompt_tokens_details?.audio_tokens, ROWS, stdout);
  });

  test("the program in JavaScript runs", async () => {
    const page = await readFile(join(REPOSITORY, "docs/audio.md"), "utf8");
    const [, program = ""] = /```js\n([\s\S]*?)```/.exec(page) ?? [];
    assert.ok(program.includes(DOCUMENTED_URL));
    const args = ["--input-type=module", "--eval", here(program)];
    const { stderr } = await run(process.execPath, args, inFolder());
    assert.equal(stderr, "");
  });
});
