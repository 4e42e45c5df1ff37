/**
 * A cluster by Testcontainers' K3s module, for machines that can pull its image and run it privileged. One node,
 * whose name and components are K3s' own, so scenarios that disturb nodes are left out as for any cluster that was
 * there before.
 */
import { K3sContainer } from "@testcontainers/k3s";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CLUSTER_FOLDER } from "./places.ts";
import type { RunningCluster } from "./running-cluster.ts";

export const K3S_IMAGE_VARIABLE = "LOCALMODEL_TEST_K3S_IMAGE";

export async function startK3s(
  image: string,
): Promise<Pick<RunningCluster, "kubeconfig" | "containers" | "network" | "k3s">> {
  const started = await new K3sContainer(image).start();
  const kubeconfig = join(CLUSTER_FOLDER, "kubeconfig");
  await mkdir(CLUSTER_FOLDER, { recursive: true });
  await writeFile(kubeconfig, started.getKubeConfig(), { mode: 0o600 });
  return { kubeconfig, containers: [], network: "", k3s: started.getId() };
}
