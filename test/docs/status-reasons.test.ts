/**
 * docs/status.md has an entry for every reason that a condition can have.
 *
 * Reasons are found where they are written: in the operator, and in the unions of what fetchers and servers end with.
 */
import assert from "node:assert/strict";
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { REPOSITORY } from "../support/documented-commands.ts";

const WRITTEN = [
  /reason: "([A-Z]\w+)"/g,
  /\bfailure\(\s*"([A-Z]\w+)"/g,
  /\byes\(\s*"([A-Z]\w+)"/g,
  /\bwaiting\(\s*"\w+",\s*"([A-Z]\w+)"/g,
  /^ +([A-Z]\w+): (?:source|schedule|load)\(/gm,
] as const;
const UNION_MEMBER = /^ +\| "([A-Z]\w+)"/gm;
const UNIONS = {
  "packages/weights/source/weights-error.ts": /type WeightsFailureReason =([^]+?);\n\n/,
  "packages/localmodel/contracts/server-state.ts": /type FailureReason =([^]+?);\n\n/,
};
/** A fetcher that waits for these still runs, and is said to be `DownloadStalled`. */
const WAITED_FOR = new Set(["Stalled", "SecretMissing"]);

test("every reason a condition can have is explained in docs/status.md", async () => {
  const reasons = [...(await writtenByOperator()), ...(await writtenByContainers())];
  assert.ok(reasons.length > 30, `found ${reasons.length}`);
  const page = await readFile(join(REPOSITORY, "docs/status.md"), "utf8");
  const explained = new Set(Array.from(page.matchAll(/`([A-Z]\w+)`/g), ([, reason]) => reason));
  const unexplained = reasons.filter((reason) => !explained.has(reason) && !WAITED_FOR.has(reason));
  assert.deepEqual(unexplained, []);
});

async function writtenByOperator(): Promise<readonly string[]> {
  const files = await Array.fromAsync(glob("services/operator/**/*.ts", { cwd: REPOSITORY }));
  const sources = files.filter((file) => !/\.test\.ts$|\/fixtures\//.test(file));
  const texts = await Promise.all(sources.map((file) => readFile(join(REPOSITORY, file), "utf8")));
  return texts.flatMap((text) => WRITTEN.flatMap((pattern) => matches(text, pattern)));
}

async function writtenByContainers(): Promise<readonly string[]> {
  const found: string[] = [];
  for (const [file, union] of Object.entries(UNIONS)) {
    const text = await readFile(join(REPOSITORY, file), "utf8");
    const members = matches(union.exec(text)?.[1] ?? "", UNION_MEMBER);
    assert.ok(members.length > 0, `no reasons in ${file}`);
    found.push(...members);
  }
  return found;
}

function matches(text: string, pattern: RegExp): readonly string[] {
  return Array.from(text.matchAll(pattern), ([, found]) => found ?? "");
}
