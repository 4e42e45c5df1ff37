/** The threads of all contexts of a model: as many as the machine gives time to, step by step. */
import type { Context } from "@localmodel/llama/context.ts";
import { IdleCores } from "../machine/idle-cores.ts";
import { ThreadCount } from "../machine/thread-count.ts";

export class StepThreads {
  readonly #count: ThreadCount;
  readonly #idle = new IdleCores();
  /** A GPU's work is waited for without using a processor. */
  readonly #adapts: boolean;

  constructor(most: number, { adapts }: { readonly adapts: boolean }) {
    this.#count = new ThreadCount(most);
    this.#adapts = adapts && most > 1;
  }

  get count(): number {
    return this.#count.count;
  }

  /** One step at a time. */
  async during<Result>(context: Context, evaluate: () => Promise<Result>): Promise<Result> {
    if (!this.#adapts) return evaluate();
    const { count } = this.#count;
    if (context.threads.threads !== count) context.setThreads(count, count);
    const beforeMs = performance.now();
    const before = process.cpuUsage();
    try {
      return await evaluate();
    } finally {
      const { user, system } = process.cpuUsage(before);
      const atMs = performance.now();
      this.#record({ wallMs: atMs - beforeMs, cpuMs: (user + system) / 1000, atMs });
    }
  }

  #record(step: { readonly wallMs: number; readonly cpuMs: number; readonly atMs: number }): void {
    const { count } = this.#count;
    this.#count.record(step);
    if (this.#count.count !== count || !this.#count.mayRise(step.atMs)) return this.#idle.forget();
    const idleCores = this.#idle.during(step.wallMs, count, step.atMs);
    if (idleCores !== undefined) this.#count.offer(idleCores, step.atMs);
  }
}
