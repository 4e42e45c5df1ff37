/**
 * The cluster that tests use, known by what is in its folder: processes that did not start it find it there.
 */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { CLUSTER_FOLDER } from "./places.ts";

const RunningCluster = z.object({
  kubeconfig: z.string(),
  /** Containers of its nodes, the control plane first; none for a cluster that was there before. */
  containers: z.array(z.string()),
  network: z.string(),
  /** The container of a K3s that the suite has started. */
  k3s: z.string().optional(),
  /** Names of images that its nodes have. */
  images: z.object({
    "model-server": z.string(),
    api: z.string(),
    operator: z.string(),
    tools: z.string(),
    jaeger: z.string(),
    weights: z.string(),
  }),
  /** Of kubectl and of the control plane's programs. */
  kubeBinaries: z.string(),
  helm: z.string(),
});
export type RunningCluster = z.infer<typeof RunningCluster>;

/** The containers that the suite has started for it, and that have its images. */
export function ownContainers({ containers, k3s }: RunningCluster): readonly string[] {
  return k3s === undefined ? containers : [k3s];
}

const FILE = join(CLUSTER_FOLDER, "cluster.json");

export async function readCluster(): Promise<RunningCluster | undefined> {
  const text = await readFile(FILE, "utf8").catch(() => undefined);
  return text === undefined ? undefined : RunningCluster.parse(JSON.parse(text));
}

export async function writeCluster(cluster: RunningCluster): Promise<void> {
  await mkdir(dirname(FILE), { recursive: true });
  await writeFile(FILE, `${JSON.stringify(cluster, null, 2)}\n`);
}

export async function forgetCluster(): Promise<void> {
  await rm(CLUSTER_FOLDER, { recursive: true, force: true });
}
