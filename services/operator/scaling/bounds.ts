/** Between which bounds a model scales, and how patiently: `spec.scaling` with what follows from the rest of the spec. */
import { scheduledAt } from "@localmodel/localmodel/resource/schedule.ts";
import type { Model } from "../model/model.ts";

export type Bounds = {
  readonly minReplicas: number;
  /** Whether it is a window of the schedule that asks for so many. */
  readonly isScheduled?: boolean;
  /** When they may be others. */
  readonly changesAtMs?: number;
  readonly maxReplicas: number;
  readonly requestsPerReplica: number;
  readonly idleMs: number;
  readonly scaleDownMs: number;
};

/** As they are now. Undefined for a model that does not scale. */
export function boundsOf(
  { spec, roomForReplicas = Number.POSITIVE_INFINITY }: Pick<Model, "spec" | "roomForReplicas">,
  nowMs: number,
): Bounds | undefined {
  const { scaling, engine } = spec;
  if (scaling === undefined) return undefined;
  // A pod whose engine sleeps is there.
  const fewest = Math.max(scaling.sleep === "unload" ? 1 : 0, scaling.minReplicas);
  const scheduled = scheduledAt(scaling.schedule ?? [], nowMs);
  return {
    minReplicas: Math.min(Math.max(fewest, scheduled.minReplicas), roomForReplicas),
    ...(scheduled.minReplicas > fewest && { isScheduled: true }),
    ...(scheduled.againInMs !== undefined && { changesAtMs: nowMs + scheduled.againInMs }),
    maxReplicas: Math.min(scaling.maxReplicas, roomForReplicas),
    requestsPerReplica: scaling.targetRequestsPerReplica ?? engine.slots,
    idleMs: scaling.idleSeconds * 1000,
    scaleDownMs: scaling.scaleDownSeconds * 1000,
  };
}
