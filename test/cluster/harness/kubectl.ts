/** kubectl for one namespace of the suite's cluster. */
import { join } from "node:path";
import { type CommandOptions, run } from "../../build/command.ts";
import type { RunningCluster } from "./running-cluster.ts";

/** Resolves to what it printed. Its last argument may say what it reads and how long it may take. */
export type Kubectl = (...args: readonly (string | CommandOptions)[]) => Promise<string>;

export function kubectlOf(
  { kubeBinaries, kubeconfig }: Pick<RunningCluster, "kubeBinaries" | "kubeconfig">,
  namespace: string,
): Kubectl {
  const common = [`--kubeconfig=${kubeconfig}`, `--namespace=${namespace}`];
  return (...args) => {
    const words = args.filter((it) => typeof it === "string");
    const options = args.find((it) => typeof it !== "string") ?? {};
    return run(join(kubeBinaries, "kubectl"), [...common, ...words], {
      timeoutMs: 180_000,
      ...options,
    });
  };
}
