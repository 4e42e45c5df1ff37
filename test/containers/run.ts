/**
 * `npm run test:containers [-- FILE…]`: builds the images and runs every *.containers.ts, each with containers of
 * its own.
 *
 * What the containers of a failed run have said is in the folder that it names at the end.
 */
import { spawn } from "node:child_process";
import { glob, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { fetchTestModel } from "../../scripts/fetch-test-model.ts";
import { REPOSITORY } from "../cluster/harness/places.ts";
import { buildImages } from "./harness/images.ts";
import { removeLeftovers } from "./harness/leftovers.ts";
import { LOGS, RUN, SUITE } from "./harness/places.ts";

const report = (line: string): void => console.error(`${new Date().toISOString()} ${line}`);

await fetchTestModel();
await buildImages(report);
const status = await runTests(await filesToRun());
await removeLeftovers();
if (status === 0) await rm(LOGS, { recursive: true, force: true });
else report(`the logs of all containers are in ${LOGS}`);
process.exitCode = status;

async function filesToRun(): Promise<readonly string[]> {
  const asked = process.argv.slice(2);
  if (asked.length > 0) return asked;
  const all = await Array.fromAsync(glob("*.containers.ts", { cwd: SUITE }));
  return all.toSorted().map((name) => relative(REPOSITORY, join(SUITE, name)));
}

async function runTests(files: readonly string[]): Promise<number> {
  // One file at a time: a stack takes what two cores have.
  const flags = ["--test", "--test-concurrency=1", "--test-timeout=600000"];
  const child = spawn(process.execPath, [...flags, ...files], {
    cwd: REPOSITORY,
    stdio: "inherit",
    env: { ...process.env, LOCALMODEL_TEST_RUN: RUN },
  });
  // An interrupt ends the tests; their containers are taken away all the same.
  process.on("SIGINT", () => child.kill("SIGINT"));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
