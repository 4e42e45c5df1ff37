/**
 * `spec.rollout`: how pods are replaced when what they run changes.
 *
 * Local mode reads it and does nothing with it.
 */
import { z } from "zod";

export const RolloutSpec = z.strictObject({
  strategy: z
    .enum(["Automatic", "Surge", "Replace"])
    .default("Automatic")
    .describe(
      "Automatic starts a new pod first; where no node has room beside the old ones, an old pod makes room for it. Surge never takes an old pod before the new one is ready. Replace ends the old pod first, one after the other.",
    ),
  drainSeconds: z
    .int()
    .min(0)
    .max(86_400)
    .default(600)
    .describe("How long a pod that is to end may finish the answers it has begun."),
  paused: z
    .boolean()
    .default(false)
    .describe("Whether pods stay as they are until it is false again. Their number may change."),
});
