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
  readonly #native: Native;
  readonly #cores: readonly number[];
  readonly #pools: Pool[] = [];
  #given: Pool | undefined;

  /** `cores`: by their numbers, those that the process may run on; none where which one a thread runs on is not to be decided. */
  constructor(native: Native, cores: readonly number[]) {
    this.#native = native;
    this.#cores = cores;
  }

  /** From its next evaluation on the context has so many. */
  give(context: Pointer<"llama_context">, count: number): void {
    // The thread that evaluates is one of them, and there without any others.
    if (this.#given === undefined && count === 1) return;
    const pool = this.#poolFor(count);
    if (pool === this.#given) return;
    this.#native.call.llama_attach_threadpool(context, pool.pointer, pool.pointer);
    this.#given = pool;
  }

  /** Once the context is freed. */
  [Symbol.dispose](): void {
    for (const { pointer } of this.#pools.splice(0)) {
      this.#native.cpu().ggml_threadpool_free(pointer);
    }
  }

  /** None ends before the context does: an evaluation with others first has those sleep that it had before. */
  #poolFor(count: number): Pool {
    const bound = count > 1 && count === this.#cores.length;
    const found = this.#pools.find((one) => one.bound === bound && one.count >= count);
    if (found !== undefined) return found;
    const made = { count, bound, pointer: this.#start(count, bound) };
    this.#pools.push(made);
    return made;
  }

  #start(count: number, bound: boolean): Pointer<"ggml_threadpool"> {
    const { call, cpu } = this.#native;
    using memory = new NativeMemory(structureBytes("ggml_threadpool_params"));
    call.ggml_threadpool_params_init(memory.address, count);
    const params = readStructure(memory.address, "ggml_threadpool_params");
    writeStructure(memory.address, "ggml_threadpool_params", {
      ...params,
      poll: POLL,
      // Also for those that are not bound: the thread that evaluates may have been.
      cpumask: params.cpumask.map((_, core) => this.#cores.includes(core)),
      strict_cpu: bound,
      // One that is not begins by binding this thread, and not the one that will evaluate.
      paused: true,
    });
    return required(cpu().ggml_threadpool_new(memory.address), `start ${count} threads`);
  }
}

type Pool = {
  readonly count: number;
  /** Each thread to a core of its own. */
  readonly bound: boolean;
  readonly pointer: Pointer<"ggml_threadpool">;
};
