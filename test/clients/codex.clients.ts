/** Codex as npm has it, with the provider that docs/clients.md tells it: it runs a command that the model calls for, and ends. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { ANSWER, AskedAgent, QUESTION } from "../support/asked-agent.ts";
import { programsOf } from "../support/documented-commands.ts";

test("Codex runs the command that the model calls for, sends its output, and ends with the answer", async (t) => {
  await using agent = await AskedAgent.start(
    (line) => t.diagnostic(line),
    () => ({ name: "exec_command", arguments: { cmd: "cat note.txt" } }),
  );
  const [configuration = ""] = await programsOf("docs/clients.md", "toml");
  await mkdir(agent.home(".codex"));
  await writeFile(agent.home(".codex/config.toml"), agent.here(configuration));

  // Its sandbox takes rights that not every machine gives, and is not what is asked about here.
  const flags = ["--skip-git-repo-check", "--sandbox", "danger-full-access"];
  const codex = join(agent.packages, "@openai/codex/bin/codex.js");
  const args = [codex, "exec", ...flags, QUESTION];
  const { stdout, stderr } = await agent.run(process.execPath, args);
  assert.equal(stdout.trim(), ANSWER, stderr);
});
