/** Fields of `spec.engine` that say how the context is kept in memory. */
import { z } from "zod";

/** KV cache element types llama.cpp can run; quantised values need flash attention. */
const KvCacheType = z.enum(["f16", "bf16", "f32", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"]);
export type KvCacheType = z.infer<typeof KvCacheType>;

export const cacheFields = {
  kvCacheType: KvCacheType.default("f16").describe("Element type of the KV cache."),
  kvCacheKeyType: KvCacheType.exactOptional().describe(
    "Element type of keys, which lose more by quantisation than values. Default: kvCacheType.",
  ),
  kvCacheValueType: KvCacheType.exactOptional().describe(
    "Element type of values. Default: kvCacheType.",
  ),
  kvUnified: z
    .boolean()
    .exactOptional()
    .describe(
      "One cache for all slots in place of one for each, as large as theirs together. A beginning that slots have in common is held once, and taken over without copying; but each step looks through what all slots hold, and the last bits of what is computed may depend on who else is there. Default: one for each.",
    ),
  fullSwaCache: z
    .boolean()
    .exactOptional()
    .describe(
      "Keeps all tokens of layers that attend to a sliding window, too. It takes the memory of a model without windows, and conversations can then be cut and gone on with anywhere. Default: their windows alone.",
    ),
};
