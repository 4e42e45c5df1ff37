/** The operator of a control plane, as a process of its own: see operator-process.ts. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { kubeconfigAccess } from "@localmodel/kube/access/kubeconfig.ts";
import type { OperatorConfigInput } from "@localmodel/localmodel/contracts/operator-config.ts";
import { OPERATOR_HEAP } from "@localmodel/service/process/heap.ts";
import type { ControlPlane } from "../../test/support/control-plane.ts";

export class OperatorProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  /** Of /metrics. */
  readonly port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async on(
    plane: ControlPlane,
    config: Partial<OperatorConfigInput>,
  ): Promise<OperatorProcess> {
    const { headers } = await kubeconfigAccess(plane.kubeconfig).credentials(false);
    const whole = {
      images: { cpu: "model-server:bench" },
      leaderElection: { enabled: false },
      ...config,
    } satisfies OperatorConfigInput;
    const child = fork(`${import.meta.dirname}/operator-process.ts`, {
      execArgv: [...OPERATOR_HEAP],
      env: {
        ...process.env,
        // As in the image: every thread would otherwise keep memory of its own.
        MALLOC_ARENA_MAX: "1",
        BENCH_SERVER: plane.url,
        BENCH_TOKEN: (headers["authorization"] ?? "").replace("Bearer ", ""),
        BENCH_CONFIG: JSON.stringify(whole),
      },
    });
    const [port] = (await once(child, "message")) as [number];
    return new OperatorProcess(child, port);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.disconnect();
    await ended;
  }
}
