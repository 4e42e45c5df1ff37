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
/** What stands in a file that reads the documentation by itself. */
const READERS = [
  // May be run where there is nothing but a shell.
  [/^\.ci\/run$/, "README.md"],
  [/\.py$/, '/ "docs" /'],
] as const;

const pages = await Array.fromAsync(
  glob(["README.md", "charts/*/README.md", "docs/**/*.md"], { cwd: REPOSITORY }),
);
const blocksIn = async (language: string) =>
  (await Promise.all(pages.toSorted().map((page) => commandsOf(page, language)))).flat();
const commands = await blocksIn("sh");
/** What is read by a program of its own, or is one. */
const programs = (await Promise.all(["python", "js", "csharp", "toml"].map(blocksIn))).flat();

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

test("there are programs in the documentation", () => {
  assert.ok(programs.length > 20, `${programs.length}`);
});

for (const program of programs) {
  test(`the program at ${program.page}:${program.line} says who runs it`, async () => {
    assert.deepEqual(await problemsOf(program), []);
  });
}

async function problemsOf({ tag }: Command): Promise<readonly string[]> {
  if (tag === undefined)
    return ["before the block stands neither <!-- run by: … --> nor <!-- needs: … -->"];
  if ("needs" in tag)
    return tag.needs.filter((need) => !(NEEDS as readonly string[]).includes(need));
  const program = await readFile(join(REPOSITORY, tag.runBy), "utf8").catch(() => undefined);
  if (program === undefined) return [`there is no ${tag.runBy}`];
  const reads = READERS.find(([file]) => file.test(tag.runBy))?.[1] ?? "documented-commands.ts";
  return program.includes(reads) ? [] : [`${tag.runBy} does not read the documentation`];
}
