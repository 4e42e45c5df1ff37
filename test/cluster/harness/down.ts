/** `npm run cluster:down`: takes the cluster of `npm run cluster:up` away. What was built for it stays. */
import { run } from "../../build/command.ts";
import { forgetCluster, ownContainers, readCluster } from "./running-cluster.ts";

/** What is gone already is no failure. */
const ignoreMissing = (): string => "";

export async function clusterDown(): Promise<void> {
  const cluster = await readCluster();
  if (cluster === undefined) return;
  const remove = ["rm", "--force", "--volumes", ...ownContainers(cluster)];
  await run("docker", remove).catch(ignoreMissing);
  await run("docker", ["network", "rm", cluster.network]).catch(ignoreMissing);
  await forgetCluster();
}

if (import.meta.main) await clusterDown();
