/** Claude Code as npm has it, with the environment that docs/clients.md tells it: it reads a file that the model calls for, and ends. */
import assert from "node:assert/strict";
import { join, relative } from "node:path";
import { test } from "node:test";
import { ANSWER, AskedAgent, QUESTION } from "../support/asked-agent.ts";
import { commandsOf, isRunBy, REPOSITORY } from "../support/documented-commands.ts";
import { CONTEXT_TOKENS } from "../support/reciting-server.ts";

const SELF = relative(REPOSITORY, import.meta.filename);
const DOCUMENTED_CONTEXT = "32768";

type Result = {
  readonly result: string;
  readonly is_error: boolean;
  readonly num_turns: number;
  readonly modelUsage: Readonly<Record<string, { readonly contextWindow: number }>>;
};

test("Claude Code reads the file that the model calls for, sends it, and ends with the answer", async (t) => {
  await using agent = await AskedAgent.start(
    (line) => t.diagnostic(line),
    (path) => ({ name: "Read", arguments: { file_path: path } }),
  );
  const commands = (await commandsOf("docs/clients.md")).filter((one) => isRunBy(one, SELF));
  assert.equal(commands.length, 1);
  const documented = commands[0]?.text ?? "";
  assert.ok(documented.includes(DOCUMENTED_CONTEXT));
  const here = agent.here(documented).replaceAll(DOCUMENTED_CONTEXT, `${CONTEXT_TOKENS}`);

  // What its installation would put in the place of `claude` is a copy of a program that this finds.
  const claude = join(agent.packages, "@anthropic-ai/claude-code/cli-wrapper.cjs");
  const script = `${here}\nexec "$0" "$@"`;
  const asked = ["--print", QUESTION, "--output-format", "json"];
  const args = ["--norc", "-euo", "pipefail", "-c", script, process.execPath, claude, ...asked];
  const { stdout, stderr } = await agent.run("bash", args);
  const { result, is_error: failed, num_turns: turns, modelUsage } = JSON.parse(stdout) as Result;
  assert.deepEqual([result, failed, turns], [ANSWER, false, 2], stdout + stderr);
  assert.equal(modelUsage["my-model"]?.contextWindow, CONTEXT_TOKENS);
});
