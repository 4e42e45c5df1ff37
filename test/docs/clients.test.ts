/** docs/clients.md: its programs as they stand there, and that its configurations can be read and lead to models. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import { parse as parseYaml } from "yaml";
import { ApiProcess } from "../support/api-process.ts";
import { programsOf, REPOSITORY } from "../support/documented-commands.ts";
import { ModelServer } from "../support/model-server.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";
import { lackOf, outputOf } from "../support/python-programs.ts";

const PAGE = "docs/clients.md";
const DOCUMENTED_URL = "http://localhost:1234";
const run = promisify(execFile);
const AS_JSON = "import json, sys, tomllib\nprint(json.dumps(tomllib.loads(sys.argv[1])))";

const CONFIGURATIONS: Readonly<Record<string, (text: string) => unknown>> = {
  json: (text) => JSON.parse(text),
  yaml: (text) => parseYaml(text) as unknown,
  toml: async (text) => JSON.parse(await outputOf(AS_JSON, { args: [text] })) as unknown,
};

suite("clients as documented", { timeout: 240_000 }, () => {
  let folder: TemporaryFolder;
  let server: ModelServer;
  let api: ApiProcess;
  before(async () => {
    folder = await TemporaryFolder.create();
    await writeTinyChatModel(folder.file("tiny.gguf"));
    server = await ModelServer.ready({
      weightsPath: folder.file("tiny.gguf"),
      modelId: "my-model",
      aliases: ["smollm2-135m"],
      sampling: { maxTokens: 20 },
      engine: { contextTokens: 512 },
    });
    const models = [{ id: "my-model", aliases: ["smollm2-135m"], endpoints: [server.url] }];
    api = await ApiProcess.start({ models });
  });
  after(async () => {
    await api.stop();
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const here = (text: string): string => {
    assert.ok(text.includes(DOCUMENTED_URL), text);
    return text.replaceAll(DOCUMENTED_URL, api.url);
  };

  test("the programs in JavaScript print an answer", async () => {
    const programs = await programsOf(PAGE, "js");
    assert.equal(programs.length, 2);
    for (const program of programs) {
      const args = ["--input-type=module", "--eval", here(program)];
      const { stdout } = await run(process.execPath, args, { cwd: REPOSITORY });
      assert.match(stdout, /\S/u, program);
    }
  });

  test("the programs in Python print an answer", async (t) => {
    const programs = await programsOf(PAGE, "python");
    assert.equal(programs.length, 2);
    const lack = await lackOf(...programs);
    if (lack !== undefined) return t.skip(lack);
    for (const program of programs) assert.match(await outputOf(here(program)), /\S/u, program);
  });

  for (const [language, parse] of Object.entries(CONFIGURATIONS)) {
    test(`configurations in ${language} can be read, and their addresses list models`, async (t) => {
      const lack = language === "toml" ? await lackOf(AS_JSON) : undefined;
      if (lack !== undefined) return t.skip(lack);
      const texts = await programsOf(PAGE, language);
      assert.ok(texts.length > 0);
      for (const text of texts) {
        const read = JSON.stringify(await parse(here(text)));
        const bases = [...new Set(read.match(/http:\/\/[^"]+/gu))];
        assert.equal(bases.length, 1, read);
        const response = await fetch(`${bases[0]}/models`);
        const { data } = (await response.json()) as { readonly data: readonly { id: string }[] };
        assert.deepEqual(
          data.map(({ id }) => id),
          ["my-model"],
        );
      }
    });
  }
});
