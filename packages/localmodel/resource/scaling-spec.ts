/**
 * `spec.scaling`: how many replicas a model has while it is asked for much, little, or not at all.
 *
 * Local mode goes by minReplicas, idleSeconds and activationTimeoutSeconds; it runs one process of a model, or none.
 * In a cluster the operator decides by all of it, and `spec.replicas` no longer counts, but for 0, which suspends.
 */
import { z } from "zod";
import { Schedule } from "./schedule-spec.ts";

const MIN_ABOVE_MAX = "minReplicas must not be greater than maxReplicas";
const WINDOW_ABOVE_MAX = "minReplicas of schedule must not be greater than maxReplicas";

export const ScalingSpec = z
  .strictObject({
    minReplicas: z
      .int()
      .min(0)
      .max(1000)
      .default(0)
      .describe(
        "Fewest replicas. 0: the model sleeps while nobody uses it, and is woken by the first request that names it. Local mode keeps the model loaded from 1 on.",
      ),
    maxReplicas: z
      .int()
      .min(1)
      .max(1000)
      .default(1)
      .describe(
        "Most replicas, however many requests there are. Local mode never has more than 1.",
      ),
    targetRequestsPerReplica: z
      .int()
      .min(1)
      .max(100_000)
      .exactOptional()
      .describe(
        "Requests, waiting or being answered, that one replica is meant for: more of them make more replicas. Absent: as many as it has slots.",
      ),
    idleSeconds: z
      .int()
      .min(0)
      .max(31_536_000)
      .default(3600)
      .describe(
        "How long a model that nobody uses stays loaded. In local mode a request's `keep_alive` or `ttl` says it for the time after that request.",
      ),
    scaleDownSeconds: z
      .int()
      .min(0)
      .max(86_400)
      .default(300)
      .describe(
        "How long fewer replicas must have sufficed, without a break, before there are fewer. Sleeping goes by idleSeconds alone.",
      ),
    activationTimeoutSeconds: z
      .int()
      .min(1)
      .max(86_400)
      .default(600)
      .describe("How long a request waits at most for the model to be loaded."),
    schedule: Schedule.exactOptional(),
    sleep: z
      .enum(["zero", "unload"])
      .default("zero")
      .describe(
        "What sleeping means in a cluster. `zero`: no pod. `unload`: the pod stays, and its weights leave memory and device.",
      ),
  })
  .check((payload) => {
    const { minReplicas, maxReplicas, schedule = [] } = payload.value;
    if (minReplicas > maxReplicas) {
      payload.issues.push({
        code: "custom",
        message: MIN_ABOVE_MAX,
        path: ["minReplicas"],
        input: minReplicas,
      });
    }
    for (const [index, window] of schedule.entries()) {
      if (window.minReplicas <= maxReplicas) continue;
      payload.issues.push({
        code: "custom",
        message: WINDOW_ABOVE_MAX,
        path: ["schedule", index, "minReplicas"],
        input: window.minReplicas,
      });
    }
  })
  .meta({
    "x-kubernetes-validations": [
      { rule: "self.minReplicas <= self.maxReplicas", message: MIN_ABOVE_MAX },
      {
        rule: "!has(self.schedule) || self.schedule.all(w, w.minReplicas <= self.maxReplicas)",
        message: WINDOW_ABOVE_MAX,
      },
    ],
  });
export type ScalingSpec = z.infer<typeof ScalingSpec>;
