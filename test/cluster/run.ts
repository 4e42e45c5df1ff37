/**
 * `npm run test:cluster [-- FILE…]`: brings up a cluster, installs the chart in it, runs every *.cluster.ts
 * against it and packages/kube's questions to a real API server, and takes the cluster away.
 *
 * LOCALMODEL_TEST_KEEP=1 leaves it running: the next run starts within seconds. What nodes, components and pods
 * have to say about a run that failed is in the folder it names at the end.
 */
import { spawn } from "node:child_process";
import { glob, mkdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { collectLogs } from "./harness/cluster-logs.ts";
import { clusterDown } from "./harness/down.ts";
import { installChart } from "./harness/install-chart.ts";
import { CACHE, REPOSITORY, SUITE } from "./harness/places.ts";
import type { RunningCluster } from "./harness/running-cluster.ts";
import { clusterUp } from "./harness/up.ts";

const API_SERVER_QUESTIONS = "packages/kube/testing/api-server.ts";

/** Stops components and cuts networks, or reads what the API server has noted: only in a cluster of our own. */
const OWN_CLUSTER = ["disturbances.cluster.ts", "used-rights.cluster.ts"];

const report = (line: string): void => console.error(`${new Date().toISOString()} ${line}`);
const logs = join(CACHE, "logs", new Date().toISOString().replaceAll(":", "-"));

const cluster = await clusterUp(report);
try {
  await installChart(cluster, report);
  const status = await runTests(cluster, await filesToRun());
  if (status !== 0) report(`logs of the cluster are in ${await collected()}`);
  process.exitCode = status;
} finally {
  if (process.env["LOCALMODEL_TEST_KEEP"] === undefined) await clusterDown();
}

async function filesToRun(): Promise<readonly string[]> {
  const asked = process.argv.slice(2);
  if (asked.length > 0) return asked;
  const all = await Array.fromAsync(glob("*.cluster.ts", { cwd: SUITE }));
  const owned = all.filter((name) => cluster.containers.length > 0 || !OWN_CLUSTER.includes(name));
  const paths = owned.toSorted().map((name) => relative(REPOSITORY, join(SUITE, name)));
  return [...paths, API_SERVER_QUESTIONS];
}

async function runTests(running: RunningCluster, files: readonly string[]): Promise<number> {
  // One file at a time: scenarios share two cores, and disturb the whole cluster.
  const flags = ["--test", "--test-concurrency=1", "--test-timeout=900000"];
  const child = spawn(process.execPath, [...flags, ...files], {
    cwd: REPOSITORY,
    stdio: "inherit",
    env: {
      ...process.env,
      LOCALMODEL_TEST_KUBECONFIG: running.kubeconfig,
      LOCALMODEL_TEST_KUBE_BIN: running.kubeBinaries,
      LOCALMODEL_TEST_HELM: running.helm,
      LOCALMODEL_TEST_LOGS: logs,
    },
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

async function collected(): Promise<string> {
  await mkdir(logs, { recursive: true });
  await collectLogs(cluster, logs);
  return logs;
}
