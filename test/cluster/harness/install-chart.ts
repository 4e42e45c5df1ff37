/** The product in the cluster, as its users install it: with Helm, in a namespace with the restricted policy. */
import { join } from "node:path";
import { run } from "../../build/command.ts";
import { kubectlOf } from "./kubectl.ts";
import { REPOSITORY } from "../../build/places.ts";
import type { RunningCluster } from "./running-cluster.ts";
import { SYSTEM_NAMESPACE } from "./scene.ts";
import { COLLECTOR_URL } from "./trace-backend.ts";

const TIMEOUT_MS = 300_000;

/** `cudaImage`: for models with devices of NVIDIA's; the nodes have none, so it need not be built for any. */
export async function installChart(
  cluster: RunningCluster,
  report: (line: string) => void,
  cudaImage = cluster.images["model-server"],
): Promise<void> {
  report("installing the chart");
  const namespace = {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name: SYSTEM_NAMESPACE,
      labels: { "pod-security.kubernetes.io/enforce": "restricted" },
    },
  };
  await kubectlOf(cluster, "default")("apply", "--filename", "-", {
    input: JSON.stringify(namespace),
  });
  const chart = join(REPOSITORY, "charts/localmodel");
  const flags = ["--namespace", SYSTEM_NAMESPACE, "--kubeconfig", cluster.kubeconfig];
  await run(
    cluster.helm,
    ["upgrade", "--install", "localmodel", chart, ...flags, "--wait", "--values", "-"],
    { input: JSON.stringify(valuesFor(cluster, cudaImage)), timeoutMs: TIMEOUT_MS },
  );
}

/** What an earlier run may have left in a cluster that was kept. */
export async function removeChart(cluster: RunningCluster): Promise<void> {
  const flags = ["--namespace", SYSTEM_NAMESPACE, "--kubeconfig", cluster.kubeconfig];
  const options = { timeoutMs: TIMEOUT_MS };
  await run(cluster.helm, ["uninstall", "localmodel", ...flags, "--ignore-not-found"], options);
  const crd = "crd/localmodels.localmodel.dev";
  await kubectlOf(cluster, "default")("delete", crd, "--ignore-not-found");
}

/** A node with two cores has room for more than one replica only if nobody reserves a whole core. */
export function valuesFor({ images }: RunningCluster, cudaImage = images["model-server"]) {
  return {
    image: { pullPolicy: "IfNotPresent" },
    // The nodes' kubelets do not count disks (localStorageCapacityIsolation).
    operator: { image: named(images.operator), config: { ephemeralStorageRequests: false } },
    api: { image: named(images.api) },
    modelServer: {
      images: {
        cpu: named(images["model-server"]),
        cuda: { ...named(cudaImage), architectures: [] },
        cuda12: null,
        vulkan: null,
      },
    },
    telemetry: { endpoint: COLLECTOR_URL, sampler: "parentbased_always_on" },
  };
}

function named(image: string): { readonly repository: string; readonly tag: string } {
  const [repository = "", tag = ""] = image.split(":");
  return { repository, tag };
}
