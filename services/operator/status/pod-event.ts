/** What an event says of a pod that has no container yet, as a problem, in the event's own words. */
import type { PodEvent } from "../model/observed.ts";
import { waiting } from "./answers.ts";
import { failure } from "./advice.ts";
import type { Problem } from "./problem.ts";

/** Of devices that are claimed (DRA): that there is no claim, or that the node cannot prepare what it claims. */
export const CLAIM_EVENTS = ["FailedResourceClaimCreation", "FailedPrepareDynamicResources"];
export const VOLUME_EVENTS = ["FailedAttachVolume", "FailedMount", "FailedMapVolume"];

/** `isLeaving`: another pod of the model ends, and what it has is free then. */
export function eventProblem({ reason, message }: PodEvent, isLeaving: boolean): Problem {
  if (CLAIM_EVENTS.includes(reason)) {
    return failure("DeviceClaimFailed", `The devices of spec.gpu cannot be claimed: ${message}`);
  }
  const what = `A volume of the pod cannot be used on its node: ${message}`;
  return isLeaving
    ? waiting("load", "Starting", `${what} A pod that has it may be ending.`)
    : failure("VolumeUnavailable", what);
}
