/** The requests of docs/images.md, sent to a model that sees, with files of every format. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, symlink, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import type OpenAI from "openai";
import { plainBmp } from "@localmodel/pictures/fixtures/sample-bmps.ts";
import { commandsOf, isRunBy, REPOSITORY } from "../support/documented-commands.ts";
import { fileOf } from "../support/glyph-files.ts";
import { pictureOfText } from "../support/glyphs.ts";
import { ModelServer } from "../support/model-server.ts";
import { writeSeeingModel } from "../support/seeing-models.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { lackOf, outputOf } from "../support/python-programs.ts";

const SELF = relative(REPOSITORY, import.meta.filename);
const DOCUMENTED_URL = "http://localhost:1234";
/** What a picture of the tests' projector becomes. */
const PICTURE_TOKENS = 64;
const run = promisify(execFile);

suite("images as documented", { timeout: 120_000 }, () => {
  let folder: TemporaryFolder;
  let server: ModelServer;

  before(async () => {
    folder = await TemporaryFolder.create();
    const { weightsPath, projectorPath } = await writeSeeingModel(folder);
    server = await ModelServer.ready({
      weightsPath,
      projectorPath,
      aliases: ["my-model"],
      engine: { contextTokens: 1024 },
      sampling: { temperature: 0 },
    });
    await symlink(join(REPOSITORY, "node_modules"), folder.file("node_modules"));
    await writeFile(folder.file("picture.png"), await fileOf("HELLO").png().toBuffer());
  });

  after(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const here = (script: string) => script.replaceAll(DOCUMENTED_URL, server.url);
  const inFolder = () => ({ cwd: folder.file(".") });

  const see = (url: string) =>
    server.client().chat.completions.create({
      model: "my-model",
      max_tokens: 8,
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "What is in this picture?" },
            { type: "image_url", image_url: { url } },
          ],
        },
      ],
    });

  test("the request with curl is answered, and the picture's tokens are counted", async () => {
    const commands = (await commandsOf("docs/images.md")).filter((one) => isRunBy(one, SELF));
    assert.equal(commands.length, 1);
    const script = here(commands[0]?.text ?? "");
    const { stdout } = await run("bash", ["-euo", "pipefail", "-c", script], inFolder());
    const { choices, usage } = JSON.parse(stdout) as OpenAI.ChatCompletion;
    assert.equal(choices.length, 1, stdout);
    assert.ok((usage?.prompt_tokens ?? 0) > PICTURE_TOKENS, stdout);
  });

  test("the program in JavaScript runs", async () => {
    const page = await readFile(join(REPOSITORY, "docs/images.md"), "utf8");
    const [, program = ""] = /```js\n([\s\S]*?)```/.exec(page) ?? [];
    assert.ok(program.includes(DOCUMENTED_URL));
    const args = ["--input-type=module", "--eval", here(program)];
    const { stderr } = await run(process.execPath, args, inFolder());
    assert.equal(stderr, "");
  });

  test("the program in Python runs", async (t) => {
    const page = await readFile(join(REPOSITORY, "docs/images.md"), "utf8");
    const [, program = ""] = /```python\n([\s\S]*?)```/.exec(page) ?? [];
    assert.ok(program.includes(DOCUMENTED_URL));
    const lack = await lackOf(program);
    if (lack !== undefined) return t.skip(lack);
    assert.notEqual((await outputOf(here(program), inFolder())).trim(), "");
  });

  test("one picture is the same in every format, and another is another", async () => {
    const files: Record<string, Buffer> = {
      png: await fileOf("HELLO").png().toBuffer(),
      webp: await fileOf("HELLO").webp({ lossless: true }).toBuffer(),
      gif: await fileOf("HELLO").gif().toBuffer(),
      bmp: plainBmp(pictureOfText(["HELLO"]), 24),
      another: await fileOf("WORLD").png().toBuffer(),
    };
    const answers = new Map<string, string>();
    for (const [name, file] of Object.entries(files)) {
      const { choices } = await see(`data:image/png;base64,${file.toString("base64")}`);
      answers.set(name, choices[0]?.message.content ?? "");
    }
    for (const format of ["webp", "gif", "bmp"]) {
      assert.equal(answers.get(format), answers.get("png"), format);
    }
    assert.notEqual(answers.get("another"), answers.get("png"));
  });

  test("what can be seen is listed", async () => {
    const model = await server.client().models.retrieve("my-model");
    const { capabilities } = model as unknown as { capabilities: readonly string[] };
    assert.ok(capabilities.includes("vision"), capabilities.join());
  });
});
