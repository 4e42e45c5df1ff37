/**
 * The probabilities that logits mean, of a whole vocabulary, by ggml's vector instructions.
 *
 * A vocabulary has tens of thousands of tokens and more, and a step may want the probabilities of each of its outputs: in
 * JavaScript that is as long as a good part of the step.
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

const OF_MODELS = new WeakMap<Model, Softmax>();

/** The one of the model, which ends with it. */
export function softmaxOf(model: Model): Softmax {
  const softmax = OF_MODELS.get(model) ?? new Softmax(model);
  OF_MODELS.set(model, softmax);
  return softmax;
}

class Softmax {
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
      "reserve memory for probabilities",
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
    this.#handle = new Handle("softmax", context, free, model.handle);
  }

  /**
   * By token, at the temperature; all 0 where no token has a chance. The caller may
   * change it, and the next call overwrites it, whosever that is.
   *
   * @throws RangeError when there are not as many logits as tokens
   */
  probabilities(logits: Float32Array, temperature: number): Float32Array {
    this.#assertFits(logits);
    const largest = largestOf(logits);
    if (!Number.isFinite(largest)) return this.#probabilities.fill(0);
    const input = this.#logits;
    for (let token = 0; token < input.length; token += 1) {
      const below = (logits[token] ?? 0) - largest;
      // Not ">": what is no number has no chance.
      input[token] = below <= 0 ? below / temperature : Number.NEGATIVE_INFINITY;
    }
    this.#compute();
    return this.#probabilities;
  }

  /**
   * The sum of e^(logit - largest), where `largest` is the token with the largest logit. Undefined where a logit is no
   * number.
   *
   * @throws RangeError when there are not as many logits as tokens
   */
  sum(logits: Float32Array, largest: number): number | undefined {
    this.#assertFits(logits);
    this.#logits.set(logits);
    this.#compute();
    // Softmax divides by the sum, and what it divides for the likeliest token is 1.
    const share = this.#probabilities[largest] ?? Number.NaN;
    return share > 0 ? 1 / share : undefined;
  }

  #assertFits(logits: Float32Array): void {
    this.#handle.assertAlive();
    const { length } = this.#logits;
    if (logits.length === length) return;
    throw new RangeError(`There are ${length} tokens, and ${logits.length} logits`);
  }

  #compute(): void {
    const status = this.#call.ggml_backend_graph_compute(this.#backend, this.#graph);
    if (status !== 0) throw new LlamaError(`ggml could not compute probabilities: ${status}`);
  }

  #view(tensor: Pointer<"ggml_tensor">): Float32Array {
    const address = this.#call.ggml_get_data(tensor);
    if (address === null) throw new LlamaError("ggml reserved no memory for probabilities");
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

/** NaN is never the largest. Faster than `topTokens`, which finds the token too. */
function largestOf(logits: Float32Array): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let token = 0; token < logits.length; token += 1) {
    const logit = logits[token] ?? Number.NEGATIVE_INFINITY;
    if (logit > largest) largest = logit;
  }
  return largest;
}
