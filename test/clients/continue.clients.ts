/** Continue's program as npm has it, with the configuration that docs/clients.md tells it: it reads a file that the model calls for, and ends. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { installPrograms } from "../build/npm-programs.ts";
import { programsOf } from "../support/documented-commands.ts";
import { ofItsOwn, programOutput } from "../support/foreign-program.ts";
import { RecitingServer } from "../support/reciting-server.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";

const DOCUMENTED_URL = "http://localhost:1234";
const WORD = "violet";
const ANSWER = `The word is ${WORD}.`;

test("Continue reads the file that the model calls for, sends it, and ends with the answer", async (t) => {
  const packages = await installPrograms("agents", (line) => t.diagnostic(line));
  await using folder = await TemporaryFolder.create();
  const home = folder.file("home");
  const work = folder.file("work");
  for (const path of [home, work]) await mkdir(path);
  await writeFile(join(work, "note.txt"), `${WORD}\n`);
  await using server = await RecitingServer.start({
    modelId: "my-model",
    call: { name: "Read", arguments: { filepath: join(work, "note.txt") } },
    word: WORD,
    answer: ANSWER,
  });
  const texts = await programsOf("docs/clients.md", "yaml");
  const documented = texts.find((text) => text.startsWith("name: Local\n")) ?? "";
  assert.ok(documented.includes(DOCUMENTED_URL));
  const configuration = folder.file("config.yaml");
  await writeFile(configuration, documented.replaceAll(DOCUMENTED_URL, server.api.url));

  const cn = join(packages, "@continuedev/cli/dist/cn.js");
  const args = [cn, "--config", configuration, "--print", "What word is in note.txt?"];
  const { stdout, stderr } = await programOutput(process.execPath, args, {
    cwd: work,
    env: ofItsOwn(home),
  });
  assert.equal(stdout.trim(), ANSWER, stderr);
});
