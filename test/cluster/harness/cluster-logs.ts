/** What the nodes' components and the product's own pods have said, for a run that failed. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../build/command.ts";
import { kubectlOf } from "./kubectl.ts";
import type { RunningCluster } from "./running-cluster.ts";
import { SYSTEM_NAMESPACE } from "./scene.ts";

export async function collectLogs(cluster: RunningCluster, folder: string): Promise<void> {
  for (const container of cluster.containers) {
    await run("docker", ["cp", `${container}:/var/lib/node/log`, join(folder, container)]).catch(
      () => "",
    );
  }
  const kubectl = kubectlOf(cluster, SYSTEM_NAMESPACE);
  const pods = await kubectl("get", "pods", "--output=name").catch(() => "");
  for (const pod of pods.split("\n").filter((name) => name !== "")) {
    const log = await kubectl("logs", pod, "--all-containers").catch(String);
    await writeFile(join(folder, `${pod.replace("/", "-")}.log`), log);
  }
  const objects = await kubectl("get", "nodes,deployments,pods,events", "--output=yaml").catch(
    String,
  );
  await writeFile(join(folder, "system.yaml"), objects);
}
