/** The threads of all contexts of a model: as many as the machine gives time to, step by step. */
import { type CpuInfo, cpus } from "node:os";
import type { Context } from "@localmodel/llama/context.ts";
import { IdleCores } from "../machine/idle-cores.ts";
import { ThreadCount } from "../machine/thread-count.ts";

type Threaded = Pick<Context, "threads" | "setThreads">;

type StepThreadsOptions = {
  /** False where a GPU computes: its work is waited for without using a processor. */
  readonly adapts: boolean;
  /** That there are, by their numbers: with a thread for each, each has its own. */
  readonly cores?: readonly number[];
  /** For tests. */
  readonly machine?: Machine;
};

type Machine = {
  readonly nowMs: () => number;
  /** That this process has used. */
  readonly cpuMs: () => number;
  readonly cores: () => readonly CpuInfo[];
};

const THIS_MACHINE: Machine = {
  nowMs: () => performance.now(),
  cpuMs: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  cores: cpus,
};

export class StepThreads {
  readonly #count: ThreadCount;
  readonly #idle: IdleCores;
  readonly #machine: Machine;
  readonly #adapts: boolean;
  /** Those to choose from; none where the work is a GPU's. */
  readonly cores: readonly number[];

  constructor(most: number, { adapts, cores = [], machine = THIS_MACHINE }: StepThreadsOptions) {
    this.#count = new ThreadCount(most);
    this.#idle = new IdleCores(machine.cores);
    this.#machine = machine;
    this.#adapts = adapts && most > 1;
    this.cores = adapts ? cores : [];
  }

  get count(): number {
    return this.#count.count;
  }

  /** One step at a time. */
  async during<Result>(context: Threaded, evaluate: () => Promise<Result>): Promise<Result> {
    if (!this.#adapts) return evaluate();
    // After a pause in which nobody else wanted the cores, the first step has them already.
    this.#look({ wallMs: 0, atMs: this.#machine.nowMs() });
    const { count } = this.#count;
    if (context.threads.threads !== count) context.setThreads(count, count);
    const [beforeMs, beforeCpuMs] = [this.#machine.nowMs(), this.#machine.cpuMs()];
    try {
      return await evaluate();
    } finally {
      const atMs = this.#machine.nowMs();
      const cpuMs = this.#machine.cpuMs() - beforeCpuMs;
      this.#record({ wallMs: atMs - beforeMs, cpuMs, atMs });
    }
  }

  #record(step: { readonly wallMs: number; readonly cpuMs: number; readonly atMs: number }): void {
    const { count } = this.#count;
    this.#count.record(step);
    if (this.#count.count === count) this.#look(step);
    else this.#idle.forget();
  }

  /** Whether cores have been idle beside the steps, where there are fewer threads than there might be. */
  #look({ wallMs, atMs }: { readonly wallMs: number; readonly atMs: number }): void {
    if (!this.#count.mayRise(atMs)) return this.#idle.forget();
    const idleCores = this.#idle.during(wallMs, this.#count.count, atMs);
    if (idleCores !== undefined) this.#count.offer(idleCores, atMs);
  }
}
