/**
 * What is known of the weights' header: from the status, or from an inspect pod that has just finished.
 *
 * An inspection belongs to the sources it was made from, so one that was made from others counts for nothing.
 */
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import { type Inspection, parseInspection } from "@localmodel/localmodel/contracts/inspection.ts";
import { INSPECT_CONTAINER } from "@localmodel/localmodel/cluster/pod-layout.ts";
import { isSuspended, type Model } from "../model/model.ts";
import { SOURCE_ANNOTATION, sourceHash } from "../objects/inspect-pod.ts";
import { saysMemory } from "../objects/resources.ts";
import type { Observed } from "../model/observed.ts";

export type KnownInspection = Inspection & { readonly sourceHash: string };

export function knownInspection(
  model: Model,
  { status, inspectPod }: Pick<Observed, "status" | "inspectPod">,
): KnownInspection | undefined {
  const hash = sourceHash(model);
  if (status.inspection?.sourceHash === hash) return status.inspection;
  const found = resultOf(inspectPod, hash);
  return found && { sourceHash: hash, ...found };
}

/** Nobody has to know what a suspended model needs, or one whose author says it. */
export function needsInspection(model: Model): boolean {
  return !isSuspended(model) && !saysMemory(model);
}

function resultOf(pod: Pod | undefined, hash: string): Inspection | undefined {
  if (pod?.metadata.annotations?.[SOURCE_ANNOTATION] !== hash) return undefined;
  const status = pod.status?.containerStatuses?.find(({ name }) => name === INSPECT_CONTAINER);
  const { terminated } = status?.state ?? {};
  return terminated?.exitCode === 0 ? parseInspection(terminated.message) : undefined;
}
