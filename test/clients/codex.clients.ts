/** Codex as npm has it, with the provider that docs/clients.md tells it: it runs a command that the model calls for, and ends. */
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

test("Codex runs the command that the model calls for, sends its output, and ends with the answer", async (t) => {
  const packages = await installPrograms("agents", (line) => t.diagnostic(line));
  await using server = await RecitingServer.start({
    modelId: "my-model",
    call: { name: "exec_command", arguments: { cmd: "cat note.txt" } },
    word: WORD,
    answer: ANSWER,
  });
  await using folder = await TemporaryFolder.create();
  const [configuration = ""] = await programsOf("docs/clients.md", "toml");
  assert.ok(configuration.includes(DOCUMENTED_URL));
  const home = folder.file("home");
  const work = folder.file("work");
  await mkdir(join(home, ".codex"), { recursive: true });
  await mkdir(work);
  const here = configuration.replaceAll(DOCUMENTED_URL, server.api.url);
  await writeFile(join(home, ".codex/config.toml"), here);
  await writeFile(join(work, "note.txt"), `${WORD}\n`);

  // Its sandbox takes rights that not every machine gives, and is not what is asked about here.
  const flags = ["--skip-git-repo-check", "--sandbox", "danger-full-access"];
  const codex = join(packages, "@openai/codex/bin/codex.js");
  const args = [codex, "exec", ...flags, "What word is in note.txt?"];
  const { stdout, stderr } = await programOutput(process.execPath, args, {
    cwd: work,
    env: ofItsOwn(home),
  });
  assert.equal(stdout.trim(), ANSWER, stderr);
});
