/**
 * The threads of all contexts of a model: as many as the machine gives time to, step by step.
 *
 * Steps with much of a prompt compute for long, and those that answer are short, with much to do for others between them: what
 * the machine gives to one kind says little of the other, so each has a number of its own.
 */
import { type CpuInfo, cpus } from "node:os";
import type { Context } from "@localmodel/llama/context.ts";
import { IdleCores } from "../machine/idle-cores.ts";
import { ThreadCount } from "../machine/thread-count.ts";
import type { ThreadCounts } from "../thread-counts.ts";

export type StepKind = keyof ThreadCounts;

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
  /** Those to choose from; none where the work is a GPU's. */
  readonly cores: readonly number[];
  readonly #kinds: Readonly<Record<StepKind, Kind>>;
  readonly #machine: Machine;
  readonly #adapts: boolean;

  constructor(
    most: ThreadCounts,
    { adapts, cores = [], machine = THIS_MACHINE }: StepThreadsOptions,
  ) {
    this.#kinds = { prompt: kindOf(most.prompt, machine), answer: kindOf(most.answer, machine) };
    this.#machine = machine;
    this.#adapts = adapts;
    this.cores = adapts ? cores : [];
  }

  get counts(): ThreadCounts {
    const { prompt, answer } = this.#kinds;
    return { prompt: prompt.count.count, answer: answer.count.count };
  }

  /** One step at a time. */
  async during<Result>(
    kind: StepKind,
    context: Threaded,
    evaluate: () => Promise<Result>,
  ): Promise<Result> {
    if (!this.#adapts) return evaluate();
    const own = this.#kinds[kind];
    const other = this.#kinds[kind === "prompt" ? "answer" : "prompt"];
    // After a pause in which nobody else wanted the cores, the first step has them already.
    look(own, { wallMs: 0, atMs: this.#machine.nowMs() });
    const { count } = own.count;
    const { threads, batchThreads } = context.threads;
    if (threads !== count || batchThreads !== count) context.setThreads(count, count);
    const [beforeMs, beforeCpuMs] = [this.#machine.nowMs(), this.#machine.cpuMs()];
    try {
      return await evaluate();
    } finally {
      const atMs = this.#machine.nowMs();
      const wallMs = atMs - beforeMs;
      record(own, { wallMs, cpuMs: this.#machine.cpuMs() - beforeCpuMs, atMs });
      other.idle.beside(wallMs);
    }
  }
}

type Kind = { readonly count: ThreadCount; readonly idle: IdleCores };

function kindOf(most: number, { cores }: Machine): Kind {
  return { count: new ThreadCount(most), idle: new IdleCores(cores) };
}

function record(
  { count, idle }: Kind,
  step: { readonly wallMs: number; readonly cpuMs: number; readonly atMs: number },
): void {
  const before = count.count;
  count.record(step);
  if (count.count === before) look({ count, idle }, step);
  else idle.forget();
}

/** Whether cores have been idle beside the steps, where there are fewer threads than there might be. */
function look(
  { count, idle }: Kind,
  { wallMs, atMs }: { readonly wallMs: number; readonly atMs: number },
): void {
  if (!count.mayRise(atMs)) return idle.forget();
  const idleCores = idle.during(wallMs, count.count, atMs);
  if (idleCores !== undefined) count.offer(idleCores, atMs);
}
