/**
 * What the last evaluation of a context computed. It is llama.cpp's own memory, so the arrays end when the next
 * evaluation begins: copy what is to be kept.
 */
import type { Pooling } from "./context-options.ts";
import type { Model } from "./model.ts";
import { LlamaError } from "./native/errors.ts";
import { Views } from "./native/memory.ts";
import type { Pointer } from "./pointer.ts";
import type { Sequences } from "./sequences.ts";

type Source = {
  readonly model: Model;
  readonly pooling: Pooling;
  readonly sequences: Sequences;
  /** Throws while there is nothing to be read. */
  readonly pointer: () => Pointer<"llama_context">;
};

export class Outputs {
  readonly #source: Source;
  readonly #views = new Views();
  #indexes: ReadonlySet<number> = new Set();

  constructor(source: Source) {
    this.#source = source;
  }

  /** Of the token at this index in the batch, one for each token of the vocabulary. */
  logits(index: number): Float32Array {
    const address = this.#call.llama_get_logits_ith(this.at(index), index);
    if (address === null)
      throw new LlamaError("llama.cpp has no logits: the context makes embeddings");
    return this.#views.float32(address, this.#source.model.vocabulary.size);
  }

  /** Of the token at this index, before pooling. */
  embedding(index: number): Float32Array {
    const address = this.#call.llama_get_embeddings_ith(this.at(index), index);
    if (address === null) throw new LlamaError("llama.cpp has no embeddings of tokens here");
    return this.#views.float32(address, this.#source.model.shape.outputDimensions);
  }

  /** Of all tokens of a sequence together; with rank pooling, the classifier's outputs. */
  sequenceEmbedding(sequence: number): Float32Array {
    const { model, pooling, sequences, pointer } = this.#source;
    const address = this.#call.llama_get_embeddings_seq(pointer(), sequences.check(sequence));
    if (address === null) {
      throw new LlamaError(
        `llama.cpp has no embedding of sequence ${sequence}: pooling is ${pooling}`,
      );
    }
    const { shape } = model;
    return this.#views.float32(
      address,
      pooling === "rank" ? shape.classes : shape.outputDimensions,
    );
  }

  /**
   * The context, for a call that reads the outputs at this index.
   *
   * @throws RangeError when the last batch has none there
   */
  at(index: number): Pointer<"llama_context"> {
    const pointer = this.#source.pointer();
    if (this.#indexes.has(index)) return pointer;
    throw new RangeError(`The batch that was evaluated last has no outputs at ${index}`);
  }

  /** Called by the context, when an evaluation begins and when it is freed. */
  end(): void {
    this.#views.end();
    this.#indexes = new Set();
  }

  /** Called by the context, when an evaluation is done. */
  begin(indexes: Iterable<number>): void {
    this.#indexes = new Set(indexes);
  }

  get #call() {
    return this.#source.model.llama.native.call;
  }
}
