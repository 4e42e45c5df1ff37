/** The test files of a suite with Node's runner, for the suites that need something built or started before. */
import { spawn } from "node:child_process";
import { glob } from "node:fs/promises";
import { join, relative } from "node:path";
import { REPOSITORY } from "../build/places.ts";

type TestRun = {
  readonly files: readonly string[];
  /** Of one test. */
  readonly timeoutMs: number;
  /** How many files run beside each other. Default: one, as what they start takes the whole machine. */
  readonly concurrency?: number;
  readonly env: Readonly<Record<string, string>>;
};

/** Resolves to the exit status. An interrupt ends the tests alone, so that whoever waits can tidy up. */
export async function runTests(run: TestRun): Promise<number> {
  const { files, timeoutMs, concurrency = 1, env } = run;
  const flags = ["--test", `--test-concurrency=${concurrency}`, `--test-timeout=${timeoutMs}`];
  const child = spawn(process.execPath, [...flags, ...files], {
    cwd: REPOSITORY,
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  process.on("SIGINT", () => child.kill("SIGINT"));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

/** Those that the command line names, else all of the folder. Relative to the repository. */
export async function testFiles(folder: string, pattern: string): Promise<readonly string[]> {
  const asked = process.argv.slice(2);
  if (asked.length > 0) return asked;
  const all = await Array.fromAsync(glob(pattern, { cwd: folder }));
  return all.toSorted().map((name) => relative(REPOSITORY, join(folder, name)));
}
