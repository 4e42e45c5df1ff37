/**
 * Stops an evaluation that runs on another thread.
 *
 * llama.cpp asks a C function before every operation whether to stop; asking JavaScript would cost more than the
 * operations. So it asks a function of ggml's own that reads memory: whether a tensor is empty. The tensor is ours. It
 * is all ones, and when it becomes all zeros some of its dimensions are zero, wherever in it they are.
 */
import { NativeMemory } from "./native/memory.ts";
import type { Native } from "./native/native.ts";

/** More than a `ggml_tensor` has. */
const TENSOR_BYTES = 1024;

export class AbortFlag implements Disposable {
  /** What llama.cpp calls, and with what. */
  readonly callback: bigint;
  readonly #tensor = new NativeMemory(TENSOR_BYTES);
  readonly #bytes = this.#tensor.uint8();

  constructor(native: Native) {
    this.callback = native.address("ggml_is_empty");
    this.lower();
  }

  get data(): bigint {
    return this.#tensor.address;
  }

  raise(): void {
    this.#bytes.fill(0);
  }

  lower(): void {
    this.#bytes.fill(0xff);
  }

  [Symbol.dispose](): void {
    this.#tensor[Symbol.dispose]();
  }
}
