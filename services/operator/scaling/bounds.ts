/** Between which bounds a model scales, and how patiently: `spec.scaling` with what follows from the rest of the spec. */
import type { Model } from "../model/model.ts";

export type Bounds = {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly requestsPerReplica: number;
  readonly idleMs: number;
  readonly scaleDownMs: number;
};

/** Undefined for a model that does not scale. */
export function boundsOf({ spec }: Pick<Model, "spec">): Bounds | undefined {
  const { scaling, engine } = spec;
  if (scaling === undefined) return undefined;
  // A pod whose engine sleeps is there.
  const fewest = scaling.sleep === "unload" ? 1 : 0;
  return {
    minReplicas: Math.max(fewest, scaling.minReplicas),
    maxReplicas: scaling.maxReplicas,
    requestsPerReplica: scaling.targetRequestsPerReplica ?? engine.slots,
    idleMs: scaling.idleSeconds * 1000,
    scaleDownMs: scaling.scaleDownSeconds * 1000,
  };
}
