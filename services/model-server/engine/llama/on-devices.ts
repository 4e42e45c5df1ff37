/**
 * Loads a model with as many layers on devices as it is to have there, and says what became of them.
 *
 * Whoever was given devices and may not do without them fails here, before anything is loaded.
 */
import type { Model } from "@localmodel/llama/model.ts";
import { DEFAULT_CONTEXT_TOKENS } from "@localmodel/localmodel/contracts/memory-estimate.ts";
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type {
  AcceleratorProblem,
  ModelFacts,
} from "@localmodel/localmodel/contracts/server-state.ts";
import type { Metadata } from "@localmodel/weights/gguf/metadata.ts";
import { tensorsOf } from "@localmodel/weights/gguf/tensors-of.ts";
import { deviceTooSmall, nvidiaDriverVersion, wouldFitAlone } from "../machine/accelerator.ts";
import { gpuLayersThatFit } from "../machine/gpu-layers.ts";
import { AcceleratorError } from "../model/load-error.ts";
import { splitOptions } from "./engine-settings.ts";
import { accessProblem, deviceFacts, freeGpuBytes, gpusOf, type LlamaLibrary } from "./library.ts";
import { loadWeights } from "./model.ts";
import { type TensorBuffers, tensorBuffersOf } from "./tensor-buffers.ts";

type Weights = {
  readonly metadata: Metadata;
  readonly sizeBytes: number;
  /** Of the projector, what it computes in, and the draft model, which are on devices as well. */
  readonly besideBytes: number;
  readonly onProgress: (progress: number) => void;
};

type DeviceResult = Pick<
  ModelFacts,
  "devices" | "offloaded" | "driverVersion" | "acceleratorProblem"
>;

export async function loadOnDevices(
  library: LlamaLibrary,
  config: ServerConfig,
  weights: Weights,
): Promise<DeviceResult & { readonly model: Model }> {
  const { weightsPath: path, engine } = config;
  const { tensorBuffers, keptBytes } = tensorBuffersOf(
    engine,
    engine.tensorBuffers === undefined ? [] : await tensorsOf(path),
    library.llama.devices(),
  );
  const split = splitOptions(engine, gpusOf(library).length);
  const { gpuLayers, problem } = placeLayers(library, config, { ...weights, keptBytes });
  const model = await loadWeights(library, {
    path,
    gpuLayers,
    ...split,
    tensorBuffers,
    ...(engine.loadMode !== undefined && { loadMode: engine.loadMode }),
    onProgress: weights.onProgress,
  });
  return { model, ...deviceFactsOf(library, model, problem) };
}

type Placed = { readonly gpuLayers: number; readonly problem: AcceleratorProblem | undefined };

/** How many layers go on the devices. */
function placeLayers(
  library: LlamaLibrary,
  { engine, accelerator }: ServerConfig,
  { metadata, sizeBytes, besideBytes, keptBytes }: Weights & Pick<TensorBuffers, "keptBytes">,
): Placed {
  const given = (problem: AcceleratorProblem | undefined, { mayPass = false } = {}) => {
    if (problem !== undefined && accelerator === "Required")
      throw new AcceleratorError(problem, { mayPass });
    return accelerator === undefined ? undefined : problem;
  };
  if (library.llama.gpu === false) return { gpuLayers: 0, problem: given(accessProblem(library)) };
  if (engine.gpuLayers !== undefined) return { gpuLayers: engine.gpuLayers, problem: undefined };
  const size = { ...engine, contextTokens: engine.contextTokens ?? DEFAULT_CONTEXT_TOKENS };
  const freeBytes = Math.max(0, freeGpuBytes(library, engine) - besideBytes);
  const movableBytes = Math.max(0, sizeBytes - keptBytes);
  const plan = gpuLayersThatFit(metadata, size, { sizeBytes: movableBytes, freeBytes });
  const needed = { ...plan, neededBytes: plan.neededBytes + besideBytes };
  const devices = deviceFacts(library);
  const mayPass = library.isShared && wouldFitAlone(needed.neededBytes, devices);
  const problem = given(deviceTooSmall(needed, devices), { mayPass });
  return { gpuLayers: plan.layers, problem };
}

function deviceFactsOf(
  library: LlamaLibrary,
  { offloaded }: Pick<Model, "offloaded">,
  acceleratorProblem: AcceleratorProblem | undefined,
): DeviceResult {
  const driverVersion = nvidiaDriverVersion();
  return {
    ...(library.llama.gpu !== false && {
      devices: deviceFacts(library),
      ...(offloaded !== undefined && { offloaded }),
      ...(driverVersion !== undefined && { driverVersion }),
    }),
    ...(acceleratorProblem !== undefined && { acceleratorProblem }),
  };
}
