/** Which pods the ReplicaSet's controller ends first when it has to end some: those that cost the least. */
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";

const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";
const FIRST = "-1000";

export const GOES_FIRST = { metadata: { annotations: { [DELETION_COST]: FIRST } } };

/** As any other again. */
export const GOES_AS_OTHERS = { metadata: { annotations: { [DELETION_COST]: null } } };

export function isMarked({ metadata }: Pod): boolean {
  return metadata.annotations?.[DELETION_COST] === FIRST;
}
