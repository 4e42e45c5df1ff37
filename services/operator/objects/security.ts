/**
 * What model pods may do: nothing that Kubernetes' restricted policy forbids, and nothing at all with the
 * API server. Weights are files from strangers; whoever breaks the engine with one gets a process that
 * cannot write, cannot become root and has no token.
 */

/** The user of the images; numeric, so that the kubelet can tell it is not root. */
const USER_ID = 10_001;

export const podSecurity = {
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  securityContext: {
    runAsNonRoot: true,
    runAsUser: USER_ID,
    runAsGroup: USER_ID,
    // Claims are writable for this group, without walking over all their files at each start.
    fsGroup: USER_ID,
    fsGroupChangePolicy: "OnRootMismatch",
    seccompProfile: { type: "RuntimeDefault" },
  },
} as const;

export const containerSecurity = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
} as const;
