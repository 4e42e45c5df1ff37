/** .github/workflows with the linter that knows their language: expressions, contexts, needs, events. */
import { glob } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { buildTool } from "../build/binaries.ts";
import { run } from "../build/command.ts";
import { REPOSITORY } from "../build/places.ts";

test("the workflows are without mistakes that actionlint knows", async () => {
  const actionlint = await buildTool("actionlint", (line) => console.error(line));
  const files = await Array.fromAsync(glob(".github/workflows/*.yml", { cwd: REPOSITORY }));
  // Programs that it would call where they are installed judge differently from version to version.
  const flags = ["-no-color", "-shellcheck=", "-pyflakes="];
  await run(actionlint, [...flags, ...files.map((file) => join(REPOSITORY, file))]);
});
