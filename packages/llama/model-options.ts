/** How a model is loaded, in llama.cpp's structure. What is left out stays as llama.cpp has it. */
import { llama_load_mode, llama_split_mode } from "./generated/constants.ts";
import type { llama_model_params } from "./generated/structures.ts";
import type { Device } from "./library/backends.ts";
import { NativeMemory } from "./native/memory.ts";
import { type Native, required, structureBytes } from "./native/native.ts";

export type ModelOptions = {
  /** Of the first part, when the file comes in parts that are named as llama.cpp names them. */
  readonly path: string;
  /** Layers on the GPU; -1 for all. */
  readonly gpuLayers?: number;
  /** Devices to share the model among. Default: all. */
  readonly devices?: readonly Device[];
  readonly splitMode?: Lowercase<keyof typeof llama_split_mode>;
  /** How much of the model each device gets, in proportion. */
  readonly tensorSplit?: readonly number[];
  /** The device for everything, with split mode `none`. */
  readonly mainGpu?: number;
  readonly loadMode?: Lowercase<keyof typeof llama_load_mode>;
  /** Tensors whose names match a pattern (a regular expression) go to that device's memory. */
  readonly tensorBuffers?: readonly { readonly pattern: string; readonly device: Device }[];
  /** Reads every tensor through, and refuses a file with values that are no numbers. */
  readonly checkTensors?: boolean;
  /** Weights in the order in which this CPU computes fastest. Default true; needs memory of its own. */
  readonly repack?: boolean;
  /** Layers that predict several tokens, where the model has them. */
  readonly multiTokenPrediction?: boolean;
  /** Only the tokenizer and the metadata: no weights are read, and nothing can be computed. */
  readonly vocabularyOnly?: boolean;
};

/** The structure, and the memory that it points at, which lives until the model is loaded. */
type ModelParams = Disposable & { readonly params: llama_model_params };

/** Makes memory of so many bytes that lives as long as the structure. */
type Hold = (bytes: number) => NativeMemory;

export function modelParams(native: Native, options: ModelOptions): ModelParams {
  const params = native.call.llama_model_default_params();
  const { splitMode, loadMode } = options;
  params.n_gpu_layers = options.gpuLayers ?? params.n_gpu_layers;
  params.split_mode = splitMode ? llama_split_mode[upper(splitMode)] : params.split_mode;
  params.load_mode = loadMode ? llama_load_mode[upper(loadMode)] : params.load_mode;
  params.main_gpu = options.mainGpu ?? params.main_gpu;
  params.check_tensors = options.checkTensors ?? params.check_tensors;
  params.use_extra_bufts = options.repack ?? params.use_extra_bufts;
  params.load_mtp = options.multiTokenPrediction ?? params.load_mtp;
  params.vocab_only = options.vocabularyOnly ?? params.vocab_only;

  using stack = new DisposableStack();
  const hold: Hold = (bytes) => stack.use(new NativeMemory(bytes));
  params.devices = deviceList(options, hold);
  params.tensor_split = proportions(native, options, hold);
  params.tensor_buft_overrides = overrides(native, options, hold);
  const kept = stack.move();
  return { params, [Symbol.dispose]: () => kept.dispose() };
}

function deviceList({ devices }: ModelOptions, hold: Hold): bigint | null {
  if (devices === undefined) return null;
  // A null ends the list.
  const list = hold((devices.length + 1) * BigUint64Array.BYTES_PER_ELEMENT);
  list.uint64(0, devices.length).set(devices.map(({ pointer }) => pointer));
  return list.address;
}

function proportions({ call }: Native, { tensorSplit }: ModelOptions, hold: Hold): bigint | null {
  if (tensorSplit === undefined) return null;
  const length = call.llama_max_devices();
  if (tensorSplit.length > length) {
    throw new RangeError(
      `A model is split over up to ${length} devices, not ${tensorSplit.length}`,
    );
  }
  const list = hold(length * Float32Array.BYTES_PER_ELEMENT);
  list.float32(0, tensorSplit.length).set(tensorSplit);
  return list.address;
}

function overrides(
  { call }: Native,
  { tensorBuffers = [] }: ModelOptions,
  hold: Hold,
): bigint | null {
  if (tensorBuffers.length === 0) return null;
  const bytes = structureBytes("llama_model_tensor_buft_override");
  // One that is all zeros ends the list.
  const list = hold((tensorBuffers.length + 1) * bytes);
  for (const [index, { pattern, device }] of tensorBuffers.entries()) {
    const text = Buffer.from(`${pattern}\0`);
    const memory = hold(text.length);
    memory.uint8().set(text);
    const type = call.ggml_backend_dev_buffer_type(device.pointer);
    const buffers = required(type, `find the buffers of ${device.name}`);
    list.uint64(index * bytes, 2).set([memory.address, buffers]);
  }
  return list.address;
}

function upper<Name extends string>(name: Name): Uppercase<Name> {
  return name.toUpperCase() as Uppercase<Name>;
}
