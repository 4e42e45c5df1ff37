/** A model's weights in memory, and what its file says. Contexts, samplers and adapters are made from it and end with it. */
import { llama_rope_type } from "./generated/constants.ts";
import type { Llama } from "./llama.ts";
import type { Offloaded, Reservation } from "./logs/log-lines.ts";
import { type ModelOptions, modelParams } from "./model-options.ts";
import { LlamaError } from "./native/errors.ts";
import { Handle } from "./native/handle.ts";
import { registerCallback } from "./native/native.ts";
import { Vocabulary } from "./vocabulary.ts";

export type LoadWatch = {
  /** From 0 to 1. */
  readonly onProgress?: (progress: number) => void;
  readonly signal?: AbortSignal;
};

const ROPE_TYPES = new Map(
  Object.entries(llama_rope_type).map(
    ([name, value]) => [value as number, name.toLowerCase()] as const,
  ),
);

/**
 * @throws LlamaError when the file is no model that llama.cpp knows, or does not fit; its log says which
 * @throws the signal's reason when it was aborted: what was loaded by then is freed
 */
export async function loadModel(
  llama: Llama,
  options: ModelOptions,
  { onProgress, signal }: LoadWatch = {},
): Promise<Model> {
  signal?.throwIfAborted();
  const { native } = llama;
  using holder = modelParams(native, options);
  using progress = registerCallback("llama_progress_callback", (done) => {
    if (signal?.aborted === true) return false;
    onProgress?.(done);
    return true;
  });
  const params = { ...holder.params, progress_callback: progress.address };
  const {
    result: pointer,
    reservations,
    offloaded,
  } = await llama.reserving(() => native.later("llama_model_load_from_file", options.path, params));
  if (pointer === null) {
    signal?.throwIfAborted();
    throw new LlamaError(`llama.cpp could not load ${options.path}`);
  }
  const handle = new Handle("model", pointer, (freed) => native.call.llama_model_free(freed));
  return new Model(llama, handle, { reservations, offloaded });
}

export class Model implements Disposable {
  readonly llama: Llama;
  readonly vocabulary: Vocabulary;
  readonly handle: Handle<"llama_model">;
  /** Memory that its weights take, by buffer. */
  readonly reservations: readonly Reservation[];
  /** Layers that are on devices; none is known where the libraries are for the CPU alone. */
  readonly offloaded: Offloaded | undefined;

  constructor(
    llama: Llama,
    handle: Handle<"llama_model">,
    { reservations, offloaded }: Pick<Model, "reservations" | "offloaded">,
  ) {
    this.llama = llama;
    this.handle = handle;
    this.reservations = reservations;
    this.offloaded = offloaded;
    this.vocabulary = new Vocabulary(llama.native, handle);
  }

  /** Numbers of the architecture. */
  get shape() {
    const { call } = this.llama.native;
    const model = this.handle.pointer;
    return {
      trainContextTokens: call.llama_model_n_ctx_train(model),
      embeddingDimensions: call.llama_model_n_embd(model),
      inputDimensions: call.llama_model_n_embd_inp(model),
      outputDimensions: call.llama_model_n_embd_out(model),
      layers: call.llama_model_n_layer(model),
      /** Layers that predict several tokens. */
      nextTokenLayers: call.llama_model_n_layer_nextn(model),
      heads: call.llama_model_n_head(model),
      keyValueHeads: call.llama_model_n_head_kv(model),
      slidingWindowTokens: call.llama_model_n_swa(model),
      classes: call.llama_model_n_cls_out(model),
      parameters: call.llama_model_n_params(model),
      /** Bytes of all tensors. */
      tensorBytes: call.llama_model_size(model),
    };
  }

  /** What kind of model it is, which decides what it can do. */
  get kind() {
    const { call } = this.llama.native;
    const model = this.handle.pointer;
    return {
      encoder: call.llama_model_has_encoder(model),
      decoder: call.llama_model_has_decoder(model),
      recurrent: call.llama_model_is_recurrent(model),
      hybrid: call.llama_model_is_hybrid(model),
      diffusion: call.llama_model_is_diffusion(model),
      rope: ROPE_TYPES.get(call.llama_model_rope_type(model)),
      ropeFrequencyScale: call.llama_model_rope_freq_scale_train(model),
      /** `Q4_K - Medium`. */
      quantization: call.llama_ftype_name(call.llama_model_ftype(model)) ?? "",
    };
  }

  /** `llama 135M Q4_1`. */
  get description(): string {
    const { call } = this.llama.native;
    const { pointer } = this.handle;
    return readString((buffer) => call.llama_model_desc(pointer, buffer, buffer.length));
  }

  /** The file's metadata as text, without its lists. */
  metadata(): ReadonlyMap<string, string> {
    const { call } = this.llama.native;
    const { pointer } = this.handle;
    const count = call.llama_model_meta_count(pointer);
    return new Map(
      Array.from({ length: count }, (_, index) => [
        readString((into) => call.llama_model_meta_key_by_index(pointer, index, into, into.length)),
        readString((into) =>
          call.llama_model_meta_val_str_by_index(pointer, index, into, into.length),
        ),
      ]),
    );
  }

  /** Jinja. Undefined where the file has none, or none of this name. */
  chatTemplate(name?: string): string | undefined {
    const { call } = this.llama.native;
    return call.llama_model_chat_template(this.handle.pointer, name ?? null) ?? undefined;
  }

  /** Labels of a classifier's outputs. */
  classLabels(): readonly (string | undefined)[] {
    const { call } = this.llama.native;
    const { pointer } = this.handle;
    const count = call.llama_model_n_cls_out(pointer);
    return Array.from(
      { length: count },
      (_, index) => call.llama_model_cls_label(pointer, index) ?? undefined,
    );
  }

  /** Frees the weights, and everything that was made from the model. */
  [Symbol.dispose](): void {
    this.handle[Symbol.dispose]();
  }
}

/** Text of any length from a function that answers how long it is, as `snprintf` does. */
export function readString(write: (buffer: Buffer) => number): string {
  const first = Buffer.alloc(256);
  const length = write(first);
  if (length < first.length) return first.toString("utf8", 0, Math.max(0, length));
  const longer = Buffer.alloc(length + 1);
  return longer.toString("utf8", 0, write(longer));
}
