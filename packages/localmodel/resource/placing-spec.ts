/** Fields of `spec.engine` that say where weights are: on which devices, in whose memory, and how they come there. */
import { z } from "zod";

const TensorBuffers = z.strictObject({
  pattern: z
    .string()
    .min(1)
    .max(512)
    .describe(
      "Regular expression that a part of a tensor's name matches, such as `\\.ffn_(up|down|gate)_exps\\.` for the experts of all layers.",
    ),
  device: z
    .string()
    .min(1)
    .max(64)
    .default("CPU")
    .describe("`CPU`, or a device as llama.cpp numbers them, such as `CUDA1`."),
});

export const placingFields = {
  splitMode: z
    .enum(["none", "layer", "row", "tensor"])
    .exactOptional()
    .describe(
      "How a model is shared among several devices: not at all, by whole layers, by rows of tensors, or each tensor over all of them. Default: by layers.",
    ),
  tensorSplit: z
    .array(z.number().min(0).max(1_000_000))
    .min(1)
    .max(16)
    .exactOptional()
    .describe(
      "Share of the model that each device gets, in proportion. Default: by their free memory.",
    )
    .meta({ "x-kubernetes-list-type": "atomic" }),
  mainDevice: z
    .int()
    .min(0)
    .max(63)
    .exactOptional()
    .describe("Number of the device, from 0, that gets all with splitMode `none`. Default: 0."),
  tensorBuffers: z
    .array(TensorBuffers)
    .max(32)
    .exactOptional()
    .describe(
      "Tensors that are kept elsewhere than their layer: of several patterns that match, the first counts. With the experts of a mixture in the CPU's memory the rest of a model fits on a smaller GPU.",
    )
    .meta({ "x-kubernetes-list-type": "atomic" }),
  loadMode: z
    .enum(["none", "mmap", "mlock", "mmap_mlock", "direct_io"])
    .exactOptional()
    .describe(
      "How weights come into the CPU's memory: read, or mapped; with mlock they are never swapped out, which needs a limit of locked memory (RLIMIT_MEMLOCK) as large as they are. Default: mapped where that works.",
    ),
  numa: z
    .enum(["distribute", "isolate", "numactl", "mirror"])
    .exactOptional()
    .describe(
      "On machines with several NUMA nodes: threads on all of them, on the node where the process began, or as numactl has set. Default: the system decides.",
    ),
};
