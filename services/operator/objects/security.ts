/**
 * What model pods may do: nothing that Kubernetes' restricted policy forbids, and nothing at all with the
 * API server. Weights are files from strangers; whoever breaks the engine with one gets a process that
 * cannot write, cannot become root and has no token.
 */
import type { Model } from "../model/model.ts";
import type { Platform } from "../model/platform.ts";

/**
 * Whom pods run as is the platform's to say: the user of the images is numeric, so that the kubelet can tell it is not
 * root, and a cluster that chooses users itself is told none. Some devices belong to a group of their nodes.
 */
export function podSecurity({ spec }: Pick<Model, "spec">, { podSecurity: as }: Platform) {
  const { runAsUser, runAsGroup, fsGroup } = as;
  const groups = [...new Set([...as.supplementalGroups, ...(spec.supplementalGroups ?? [])])];
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      ...(runAsUser !== null && { runAsUser }),
      ...(runAsGroup !== null && { runAsGroup }),
      // Claims are writable for this group, without walking over all their files at each start.
      ...(fsGroup !== null && { fsGroup, fsGroupChangePolicy: "OnRootMismatch" }),
      ...(groups.length > 0 && { supplementalGroups: groups }),
      seccompProfile: { type: "RuntimeDefault" },
    },
  };
}

export const containerSecurity = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
} as const;
