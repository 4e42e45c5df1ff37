/**
 * The threads that a context computes with, kept from one evaluation to the next.
 *
 * Without them ggml starts its threads for every evaluation and ends them after it, which for a small model is a tenth
 * of what a token takes. Between two evaluations these sleep: somebody else wants the cores then.
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
  readonly count: number;
  readonly #native: Native;
  readonly #pool: Pointer<"ggml_threadpool">;

  /** The thread that evaluates is one of them. */
  constructor(native: Native, count: number) {
    this.count = count;
    this.#native = native;
    using memory = new NativeMemory(structureBytes("ggml_threadpool_params"));
    native.call.ggml_threadpool_params_init(memory.address, count);
    const params = readStructure(memory.address, "ggml_threadpool_params");
    writeStructure(memory.address, "ggml_threadpool_params", { ...params, poll: POLL });
    const pool = native.cpu().ggml_threadpool_new(memory.address);
    this.#pool = required(pool, `start ${count} threads`);
  }

  /** They must live until the context is given others, or freed. */
  attachTo(context: Pointer<"llama_context">): void {
    this.#native.call.llama_attach_threadpool(context, this.#pool, this.#pool);
  }

  [Symbol.dispose](): void {
    this.#native.cpu().ggml_threadpool_free(this.#pool);
  }
}
