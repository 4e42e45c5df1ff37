/** Continue's program as npm has it, with the configuration that docs/clients.md tells it: it reads a file that the model calls for, and ends. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { ANSWER, AskedAgent, QUESTION } from "../support/asked-agent.ts";
import { programsOf } from "../support/documented-commands.ts";

test("Continue reads the file that the model calls for, sends it, and ends with the answer", async (t) => {
  await using agent = await AskedAgent.start(
    (line) => t.diagnostic(line),
    (path) => ({ name: "Read", arguments: { filepath: path } }),
  );
  const texts = await programsOf("docs/clients.md", "yaml");
  const documented = texts.find((text) => text.startsWith("name: Local\n")) ?? "";
  const configuration = agent.home("config.yaml");
  await writeFile(configuration, agent.here(documented));

  const cn = join(agent.packages, "@continuedev/cli/dist/cn.js");
  const args = [cn, "--config", configuration, "--print", QUESTION];
  const { stdout, stderr } = await agent.run(process.execPath, args);
  assert.equal(stdout.trim(), ANSWER, stderr);
});
