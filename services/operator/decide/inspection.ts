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
import { dependsOnDeviceMemory } from "../objects/device-memory.ts";
import { asksForDisk, saysMemory } from "../objects/resources.ts";
import type { Observed } from "../model/observed.ts";
import type { Platform } from "../model/platform.ts";

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

/**
 * Nobody has to know what a suspended model needs, nor one whose author says it: of memory, of the disk where downloads go,
 * and of devices that nodes are chosen by.
 */
export function needsInspection(model: Model, platform: Platform): boolean {
  if (isSuspended(model)) return false;
  return !saysMemory(model) || asksForDisk(model, platform) || dependsOnDeviceMemory(model);
}

function resultOf(pod: Pod | undefined, hash: string): Inspection | undefined {
  if (pod?.metadata.annotations?.[SOURCE_ANNOTATION] !== hash) return undefined;
  const status = pod.status?.containerStatuses?.find(({ name }) => name === INSPECT_CONTAINER);
  const { terminated } = status?.state ?? {};
  return terminated?.exitCode === 0 ? parseInspection(terminated.message) : undefined;
}
