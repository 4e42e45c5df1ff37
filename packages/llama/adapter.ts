/** A LoRA adapter in memory: what a context adds to the model's weights while it is set. */
import { type Model, readString } from "./model.ts";
import { LlamaError, OwnershipError } from "./native/errors.ts";
import { Handle } from "./native/handle.ts";
import { readInt32s } from "./native/native.ts";
import type { Pointer } from "./pointer.ts";

/** @throws LlamaError when the file is no adapter for this model: llama.cpp's log says why */
export async function loadAdapter(model: Model, path: string): Promise<Adapter> {
  const { native } = model.llama;
  const { result: pointer } = await model.llama.reserving(() =>
    model.handle.using((weights) => native.later("llama_adapter_lora_init", weights, path)),
  );
  if (pointer === null) throw new LlamaError(`llama.cpp could not load the adapter ${path}`);
  return new Adapter(model, pointer);
}

export class Adapter implements Disposable {
  /** Contexts in which it is set. */
  readonly users = new Set<object>();
  readonly #model: Model;
  readonly #handle: Handle<"llama_adapter_lora">;

  constructor(model: Model, pointer: Pointer<"llama_adapter_lora">) {
    const { call } = model.llama.native;
    this.#model = model;
    this.#handle = new Handle(
      "adapter",
      pointer,
      (freed) => call.llama_adapter_lora_free(freed),
      model.handle,
    );
  }

  /** @throws OwnershipError when it was made for another model's weights */
  pointerFor(model: Model): Pointer<"llama_adapter_lora"> {
    if (model !== this.#model) throw new OwnershipError("The adapter was loaded for another model");
    return this.#handle.pointer;
  }

  /** The file's metadata as text, without its lists. */
  metadata(): ReadonlyMap<string, string> {
    const { call } = this.#model.llama.native;
    const { pointer } = this.#handle;
    return new Map(
      Array.from({ length: call.llama_adapter_meta_count(pointer) }, (_, index) => [
        readString((into) =>
          call.llama_adapter_meta_key_by_index(pointer, index, into, into.length),
        ),
        readString((into) =>
          call.llama_adapter_meta_val_str_by_index(pointer, index, into, into.length),
        ),
      ]),
    );
  }

  /** Tokens in the prompt from which on it is meant to be used, if it is of that kind. */
  invocationTokens(): Int32Array {
    const { call } = this.#model.llama.native;
    const { pointer } = this.#handle;
    const count = call.llama_adapter_get_alora_n_invocation_tokens(pointer);
    const address = call.llama_adapter_get_alora_invocation_tokens(pointer);
    return address === null || count === 0 ? new Int32Array() : readInt32s(address, count);
  }

  /** @throws OwnershipError while a context has it set */
  [Symbol.dispose](): void {
    if (this.users.size > 0) {
      throw new OwnershipError("The adapter cannot be freed now: a context has it set");
    }
    this.#handle[Symbol.dispose]();
  }
}
