/**
 * Which API server to talk to, and as whom.
 *
 * The order is kubectl's with one difference: nothing found is an error that says where it was looked
 * for, not a server on localhost:8080. A kubeconfig is read by client-node, which knows every way to log
 * in; it is loaded only then, because it costs 50 MB and most of a second that a pod has no use for.
 */
import { access } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { ClusterAccess } from "./access.ts";
import { inClusterAccess, SERVICE_ACCOUNT_FOLDER } from "./in-cluster.ts";

export async function findCluster(
  environment: NodeJS.ProcessEnv = process.env,
): Promise<ClusterAccess> {
  const kubeconfig = environment["KUBECONFIG"];
  if (kubeconfig !== undefined && kubeconfig !== "") return fromKubeconfig(kubeconfig);
  const homeConfig = join(environment["HOME"] ?? homedir(), ".kube", "config");
  if (await exists(homeConfig)) return fromKubeconfig(homeConfig);
  const pod = await inClusterAccess(environment);
  if (pod !== undefined) return pod;
  throw new Error(
    `no cluster to talk to: KUBECONFIG is not set, ${homeConfig} does not exist, and this is not a pod ` +
      `with a service account (no KUBERNETES_SERVICE_HOST, or no token in ${SERVICE_ACCOUNT_FOLDER})`,
  );
}

async function fromKubeconfig(paths: string): Promise<ClusterAccess> {
  const { kubeconfigAccess } = await import("./kubeconfig.ts");
  return kubeconfigAccess(paths);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
