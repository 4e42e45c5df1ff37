/**
 * The documentation's commands: each says which test runs it, or what it would take, and those that take nothing
 * are run here.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { glob, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import {
  type Command,
  commandsOf,
  isRunBy,
  NEEDS,
  REPOSITORY,
} from "../support/documented-commands.ts";

const TIMEOUT_MS = 120_000;
const SELF = relative(REPOSITORY, import.meta.filename);
/** Reads README.md itself, and may be run where there is nothing but a shell. */
const CI = ".ci/run";

const pages = await Array.fromAsync(
  glob(["README.md", "charts/*/README.md", "docs/**/*.md"], { cwd: REPOSITORY }),
);
const commands = (await Promise.all(pages.toSorted().map(commandsOf))).flat();

test("there are commands in the documentation", () => {
  assert.ok(commands.length > 20, `${commands.length}`);
});

for (const command of commands) {
  test(`the commands at ${command.page}:${command.line} say who runs them`, async () => {
    assert.deepEqual(await problemsOf(command), []);
  });
  if (!isRunBy(command, SELF)) continue;
  test(`the commands at ${command.page}:${command.line} work`, async () => {
    await promisify(execFile)("bash", ["--norc", "-euo", "pipefail", "-c", command.text], {
      cwd: REPOSITORY,
      timeout: TIMEOUT_MS,
    });
  });
}

async function problemsOf({ tag }: Command): Promise<readonly string[]> {
  if (tag === undefined)
    return ["before the block stands neither <!-- run by: … --> nor <!-- needs: … -->"];
  if ("needs" in tag)
    return tag.needs.filter((need) => !(NEEDS as readonly string[]).includes(need));
  const program = await readFile(join(REPOSITORY, tag.runBy), "utf8").catch(() => undefined);
  if (program === undefined) return [`there is no ${tag.runBy}`];
  const reads = tag.runBy === CI ? "README.md" : "documented-commands.ts";
  return program.includes(reads) ? [] : [`${tag.runBy} does not read the documentation`];
}
