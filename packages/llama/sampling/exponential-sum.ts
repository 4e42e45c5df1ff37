/**
 * The sum that logits become probabilities by, of a whole vocabulary, by ggml's vector instructions.
 *
 * A vocabulary has tens of thousands of tokens and more, and a step may want the sum of each of its outputs: in JavaScript that
 * is as long as a good part of the step. ggml has no such sum, but it has softmax, in which the likeliest token has the
 * inverse of it.
 */
import { ggml_backend_dev_type, ggml_type } from "../generated/constants.ts";
import { LlamaError } from "../native/errors.ts";
import { Handle } from "../native/handle.ts";
import { Views } from "../native/memory.ts";
import { required } from "../native/native.ts";
import type { Model } from "../model.ts";
import type { Pointer } from "../pointer.ts";

/** What rounding up to cache lines adds to tensors and their data, and more. */
const SLACK_BYTES = 4096;

/** Ends with its model, at the latest. */
export class ExponentialSum implements Disposable {
  readonly #model: Model;
  readonly #backend: Pointer<"ggml_backend">;
  readonly #graph: Pointer<"ggml_cgraph">;
  readonly #views = new Views();
  readonly #logits: Float32Array;
  readonly #probabilities: Float32Array;
  readonly #handle: Handle<"ggml_context">;

  constructor(model: Model) {
    const { call } = model.llama.native;
    const size = model.vocabulary.size;
    this.#model = model;
    const context = required(
      call.ggml_init({
        mem_size:
          2 * (call.ggml_tensor_overhead() + size * Float32Array.BYTES_PER_ELEMENT) +
          call.ggml_graph_overhead() +
          SLACK_BYTES,
        mem_buffer: null,
        no_alloc: false,
      }),
      "reserve memory for log probabilities",
    );
    const input = required(call.ggml_new_tensor_1d(context, ggml_type.F32, size), "make a tensor");
    const output = required(call.ggml_soft_max(context, input), "make a softmax");
    this.#graph = required(call.ggml_new_graph(context), "make a graph");
    call.ggml_build_forward_expand(this.#graph, output);
    this.#logits = this.#view(input);
    this.#probabilities = this.#view(output);
    this.#backend = required(
      call.ggml_backend_init_by_type(ggml_backend_dev_type.CPU, null),
      "compute on the CPU",
    );
    const free = (pointer: Pointer<"ggml_context">): void => this.#free(pointer);
    this.#handle = new Handle("sum of exponentials", context, free, model.handle);
  }

  /**
   * Of e^(logit - largest), where `largest` is the token with the largest logit. Undefined where a logit is no number.
   *
   * @throws RangeError when there are not as many logits as tokens
   */
  of(logits: Float32Array, largest: number): number | undefined {
    this.#handle.assertAlive();
    if (logits.length !== this.#logits.length) {
      throw new RangeError(`There are ${this.#logits.length} tokens, and ${logits.length} logits`);
    }
    this.#logits.set(logits);
    const status = this.#call.ggml_backend_graph_compute(this.#backend, this.#graph);
    if (status !== 0) throw new LlamaError(`ggml could not compute probabilities: ${status}`);
    const share = this.#probabilities[largest] ?? Number.NaN;
    return share > 0 ? 1 / share : undefined;
  }

  [Symbol.dispose](): void {
    this.#handle[Symbol.dispose]();
  }

  #view(tensor: Pointer<"ggml_tensor">): Float32Array {
    const address = this.#call.ggml_get_data(tensor);
    if (address === null) throw new LlamaError("ggml reserved no memory for log probabilities");
    return this.#views.float32(address, this.#model.vocabulary.size);
  }

  #free(context: Pointer<"ggml_context">): void {
    this.#views.end();
    this.#call.ggml_backend_free(this.#backend);
    this.#call.ggml_free(context);
  }

  get #call() {
    return this.#model.llama.native.call;
  }
}
