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
import { installChart, removeChart } from "./harness/install-chart.ts";
import { SUITE } from "./harness/places.ts";
import { startTraceBackend } from "./harness/trace-backend.ts";
import { clusterUp } from "./harness/up.ts";

/** Changes nodes, stops components, cuts networks, or reads what the API server has noted: only in a cluster of our own. */
const OWN_CLUSTER = [
  "devices.cluster.ts",
  "disturbances.cluster.ts",
  "newcomer.cluster.ts",
  "scaling.cluster.ts",
  "upgrade.cluster.ts",
  "used-rights.cluster.ts",
];
/** Finds an empty cluster, and leaves one. */
const FIRST = "newcomer.cluster.ts";
/** Beside each other and nothing else: they wait for minutes, and the one of them replaces the operator meanwhile. */
const PATIENT = ["devices.cluster.ts", "upgrade.cluster.ts"];
/** One after the other: they change nodes or the control plane, load two cores, or look at what all others have done. */
const ALONE = [
  "disturbances.cluster.ts",
  "scaling.cluster.ts",
  "serving.cluster.ts",
  "used-rights.cluster.ts",
];
const TIMEOUT_MS = 1_500_000;

type Phase = "beside" | "patient" | "alone";

const report = (line: string): void => console.error(`${new Date().toISOString()} ${line}`);
const logs = join(CACHE, "logs", new Date().toISOString().replaceAll(":", "-"));

const cluster = await clusterUp(report);
try {
  const { first = [], ...others } = Object.groupBy(await filesToRun(), phaseOf);
  const status = (await runOnEmptyCluster(first)) || (await runOnInstallation(others));
  if (status !== 0) report(`logs of the cluster are in ${await collected()}`);
  process.exitCode = status;
} finally {
  if (process.env["LOCALMODEL_TEST_KEEP"] === undefined) await clusterDown();
}

function phaseOf(path: string): "first" | Phase {
  const name = basename(path);
  if (name === FIRST) return "first";
  if (ALONE.includes(name)) return "alone";
  return PATIENT.includes(name) ? "patient" : "beside";
}

async function runOnEmptyCluster(files: readonly string[]): Promise<number> {
  if (files.length === 0) return 0;
  await removeChart(cluster);
  return run(files);
}

async function runOnInstallation({
  beside = [],
  patient = [],
  alone = [],
}: Partial<Record<Phase, readonly string[]>>): Promise<number> {
  if (beside.length + patient.length + alone.length === 0) return 0;
  await startTraceBackend(cluster);
  await installChart(cluster, report);
  const statuses = [await run(beside, 2), await run(patient, 2), await run(alone)];
  return Math.max(...statuses);
}

async function run(files: readonly string[], concurrency = 1): Promise<number> {
  if (files.length === 0) return 0;
  const env = { LOCALMODEL_TEST_KUBECONFIG: cluster.kubeconfig, LOCALMODEL_TEST_LOGS: logs };
  return runTests({ files, timeoutMs: TIMEOUT_MS, concurrency, env });
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
