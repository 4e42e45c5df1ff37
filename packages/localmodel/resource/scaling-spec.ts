/**
 * `spec.scaling`: whether a model sleeps while nobody asks for it, and what it takes to wake it.
 *
 * Local mode goes by it. In a cluster `spec.replicas` alone says how many pods there are.
 */
import { z } from "zod";

export const ScalingSpec = z.strictObject({
  minReplicas: z
    .int()
    .min(0)
    .max(1)
    .default(0)
    .describe(
      "Local mode: 0 loads the model when a request names it, and takes it out of memory when nobody uses it; 1 keeps it loaded.",
    ),
  idleSeconds: z
    .int()
    .min(0)
    .max(31_536_000)
    .default(3600)
    .describe(
      "Local mode: how long a model that nobody uses stays loaded. A request's `keep_alive` or `ttl` says it for the time after that request.",
    ),
  activationTimeoutSeconds: z
    .int()
    .min(1)
    .max(86_400)
    .default(600)
    .describe("Local mode: how long a request waits at most for the model to be loaded."),
});
