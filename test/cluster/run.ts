/**
 * `npm run test:cluster [-- FILE…]`: brings up a cluster, installs the chart in it, runs every *.cluster.ts
 * against it, and takes the cluster away.
 *
 * LOCALMODEL_TEST_KEEP=1 leaves it running: the next run starts within seconds. What nodes, components and pods
 * have to say about a run that failed is in the folder it names at the end.
 */
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { CACHE } from "../build/places.ts";
import { runTests, testFiles } from "../support/run-tests.ts";
import { collectLogs } from "./harness/cluster-logs.ts";
import { clusterDown } from "./harness/down.ts";
import { installChart } from "./harness/install-chart.ts";
import { SUITE } from "./harness/places.ts";
import { startTraceBackend } from "./harness/trace-backend.ts";
import { clusterUp } from "./harness/up.ts";

/** Stops components and cuts networks, or reads what the API server has noted: only in a cluster of our own. */
const OWN_CLUSTER = ["disturbances.cluster.ts", "used-rights.cluster.ts"];
const TIMEOUT_MS = 900_000;

const report = (line: string): void => console.error(`${new Date().toISOString()} ${line}`);
const logs = join(CACHE, "logs", new Date().toISOString().replaceAll(":", "-"));

const cluster = await clusterUp(report);
try {
  await startTraceBackend(cluster);
  await installChart(cluster, report);
  const status = await runTests({
    files: await filesToRun(),
    timeoutMs: TIMEOUT_MS,
    env: { LOCALMODEL_TEST_KUBECONFIG: cluster.kubeconfig, LOCALMODEL_TEST_LOGS: logs },
  });
  if (status !== 0) report(`logs of the cluster are in ${await collected()}`);
  process.exitCode = status;
} finally {
  if (process.env["LOCALMODEL_TEST_KEEP"] === undefined) await clusterDown();
}

async function filesToRun(): Promise<readonly string[]> {
  const files = await testFiles(SUITE, "*.cluster.ts");
  return cluster.containers.length > 0
    ? files
    : files.filter((path) => !OWN_CLUSTER.includes(basename(path)));
}

async function collected(): Promise<string> {
  await mkdir(logs, { recursive: true });
  await collectLogs(cluster, logs);
  return logs;
}
