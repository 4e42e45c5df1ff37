/** Tells failures for want of memory from other failures of llama.cpp, in its own words. */
import { AcceleratorError, DoesNotFitError } from "../model/load-error.ts";
import type { LlamaLibrary } from "./library.ts";

const WANTS_MEMORY = /out of memory|failed to allocate|unable to allocate|not enough|VRAM|ENOMEM/iu;
/** Whose memory it is, where it is a device's. */
const OF_DEVICE = /cudaMalloc|CUDA error|hipMalloc|Vulkan|ErrorOutOfDeviceMemory|on device \d/iu;

/** `hint` says what else may be wrong where llama.cpp does not. */
export async function orDoesNotFit<Result>(
  { llama, takeComplaints, isShared }: LlamaLibrary,
  what: string,
  create: () => Promise<Result>,
  hint = "",
): Promise<Result> {
  takeComplaints();
  try {
    return await create();
  } catch (error) {
    const said = takeComplaints();
    const message = said.join("; ") || (error instanceof Error ? error.message : String(error));
    if (llama.gpu !== false && WANTS_MEMORY.test(message) && OF_DEVICE.test(message)) {
      const problem = `The devices have not enough memory for ${what}: ${message}`;
      throw new AcceleratorError(
        { reason: "VramTooSmall", message: problem },
        { mayPass: isShared },
      );
    }
    if (WANTS_MEMORY.test(message)) {
      throw new DoesNotFitError(`This machine has not enough memory for ${what}: ${message}`);
    }
    throw new Error(`llama.cpp could not load ${what}: ${message}${hint}`, { cause: error });
  }
}
