/**
 * The threads that a context computes with, kept from one evaluation to the next.
 *
 * Without them ggml starts its threads for every evaluation and ends them after it, which for a small model is a tenth
 * of what a token takes. Between two evaluations these sleep: somebody else wants the cores then. Where there is one for
 * each core, each has its own: woken while another program is on one of the cores for a moment, two would be put on the
 * other, and the first would wait for the second, spinning, for some milliseconds of each.
 */
import {
  type Native,
  readStructure,
  required,
  structureBytes,
  writeStructure,
} from "./native/native.ts";
import { NativeMemory } from "./native/memory.ts";
import type { Pointer } from "./pointer.ts";

/** How long a thread looks for work, spinning, before it sleeps: of 100. */
const POLL = 0;

export class Threads implements Disposable {
  readonly #count: number;
  readonly #cores: readonly number[];
  readonly #native: Native;
  readonly #pool: Pointer<"ggml_threadpool">;

  /**
   * The thread that evaluates is one of them. `cores`: by their numbers, those that the process may run on; none where which
   * one a thread runs on is not to be decided.
   */
  constructor(native: Native, count: number, cores: readonly number[]) {
    this.#count = count;
    this.#cores = cores;
    this.#native = native;
    using memory = new NativeMemory(structureBytes("ggml_threadpool_params"));
    native.call.ggml_threadpool_params_init(memory.address, count);
    const params = readStructure(memory.address, "ggml_threadpool_params");
    writeStructure(memory.address, "ggml_threadpool_params", {
      ...params,
      poll: POLL,
      // As many as it can name: what it names, threads are bound to.
      cpumask: params.cpumask.map((_, core) => cores.includes(core)),
      strict_cpu: this.#haveTheirOwn(count),
      // One that is not begins by binding this thread, and not the one that will evaluate.
      paused: true,
    });
    const pool = native.cpu().ggml_threadpool_new(memory.address);
    this.#pool = required(pool, `start ${count} threads`);
  }

  /** Whether an evaluation with so many needs no others: threads that have no core of their own may be too many. */
  suit(count: number): boolean {
    if (this.#haveTheirOwn(this.#count) || this.#haveTheirOwn(count)) return count === this.#count;
    return count <= this.#count;
  }

  #haveTheirOwn(count: number): boolean {
    return count > 1 && count === this.#cores.length;
  }

  /** They must live until the context is given others, or freed. */
  attachTo(context: Pointer<"llama_context">): void {
    this.#native.call.llama_attach_threadpool(context, this.#pool, this.#pool);
  }

  [Symbol.dispose](): void {
    this.#native.cpu().ggml_threadpool_free(this.#pool);
  }
}
