/**
 * `npm run test:containers [-- FILE…]`: builds the images and runs every *.containers.ts, each with containers of
 * its own.
 *
 * What the containers of a failed run have said is in the folder that it names at the end.
 */
import { rm } from "node:fs/promises";
import { fetchTestModel } from "../../scripts/fetch-test-model.ts";
import { runTests, testFiles } from "../support/run-tests.ts";
import { buildImages } from "./harness/images.ts";
import { removeLeftovers } from "./harness/leftovers.ts";
import { LOGS, RUN, SUITE } from "./harness/places.ts";

const TIMEOUT_MS = 600_000;

const report = (line: string): void => console.error(`${new Date().toISOString()} ${line}`);

await fetchTestModel();
await buildImages(report);
const status = await runTests({
  files: await testFiles(SUITE, "*.containers.ts"),
  timeoutMs: TIMEOUT_MS,
  env: { LOCALMODEL_TEST_RUN: RUN },
});
await removeLeftovers();
if (status === 0) await rm(LOGS, { recursive: true, force: true });
else report(`the logs of all containers are in ${LOGS}`);
process.exitCode = status;
