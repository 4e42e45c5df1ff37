/** Claude Code as npm has it, with the environment that docs/clients.md tells it: it reads a file that the model calls for, and ends. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { test } from "node:test";
import { installPrograms } from "../build/npm-programs.ts";
import { commandsOf, isRunBy, REPOSITORY } from "../support/documented-commands.ts";
import { ofItsOwn, programOutput } from "../support/foreign-program.ts";
import { CONTEXT_TOKENS, RecitingServer } from "../support/reciting-server.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";

const SELF = relative(REPOSITORY, import.meta.filename);
const DOCUMENTED_URL = "http://localhost:1234";
const DOCUMENTED_CONTEXT = "32768";
const WORD = "violet";
const ANSWER = `The word is ${WORD}.`;

type Result = {
  readonly result: string;
  readonly is_error: boolean;
  readonly num_turns: number;
  readonly modelUsage: Readonly<Record<string, { readonly contextWindow: number }>>;
};

test("Claude Code reads the file that the model calls for, sends it, and ends with the answer", async (t) => {
  const packages = await installPrograms("agents", (line) => t.diagnostic(line));
  await using folder = await TemporaryFolder.create();
  const home = folder.file("home");
  const work = folder.file("work");
  for (const path of [home, work]) await mkdir(path);
  await writeFile(join(work, "note.txt"), `${WORD}\n`);
  await using server = await RecitingServer.start({
    modelId: "my-model",
    call: { name: "Read", arguments: { file_path: join(work, "note.txt") } },
    word: WORD,
    answer: ANSWER,
  });
  const commands = (await commandsOf("docs/clients.md")).filter((one) => isRunBy(one, SELF));
  assert.equal(commands.length, 1);
  const documented = commands[0]?.text ?? "";
  for (const text of [DOCUMENTED_URL, DOCUMENTED_CONTEXT]) assert.ok(documented.includes(text));
  const here = documented
    .replaceAll(DOCUMENTED_URL, server.api.url)
    .replaceAll(DOCUMENTED_CONTEXT, `${CONTEXT_TOKENS}`);

  // What its installation would put in the place of `claude` is a copy of a program that this finds.
  const claude = join(packages, "@anthropic-ai/claude-code/cli-wrapper.cjs");
  const script = `${here}\nexec "$0" "$@"`;
  const asked = ["--print", "What word is in note.txt?", "--output-format", "json"];
  const args = ["--norc", "-euo", "pipefail", "-c", script, process.execPath, claude, ...asked];
  const { stdout, stderr } = await programOutput("bash", args, { cwd: work, env: ofItsOwn(home) });
  const { result, is_error: failed, num_turns: turns, modelUsage } = JSON.parse(stdout) as Result;
  assert.deepEqual([result, failed, turns], [ANSWER, false, 2], stdout + stderr);
  assert.equal(modelUsage["my-model"]?.contextWindow, CONTEXT_TOKENS);
});
