/**
 * The pods of the API service, as the slices of its Service name them: all of them, ready or not, those on their way out
 * as well. Whoever is named may hold requests.
 */
import type { EndpointSlice } from "@localmodel/kube/objects/core-resources.ts";

export type ApiPod = {
  /** The same as long as it is the same pod. */
  readonly id: string;
  readonly url: string;
  /** Whether it takes or finishes requests, as far as its probe says. */
  readonly isServing: boolean;
};

/** `port`: of what they tell about demand. */
export function apiPods(
  slices: readonly EndpointSlice[],
  { port, path }: { readonly port: number; readonly path: string },
): readonly ApiPod[] {
  const pods = new Map<string, ApiPod>();
  // In a cluster of two address families each pod is in two slices.
  for (const slice of slices.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1))) {
    // On the wire it is null for a slice without endpoints, whatever the type says.
    for (const { addresses, conditions, targetRef } of slice.endpoints ?? []) {
      const [address] = addresses;
      if (address === undefined) continue;
      const id = targetRef?.uid ?? address;
      const isServing = conditions?.serving ?? conditions?.ready ?? true;
      const known = pods.get(id);
      const host = address.includes(":") ? `[${address}]` : address;
      const url = known?.url ?? `http://${host}:${port}${path}`;
      pods.set(id, { id, url, isServing: isServing || known?.isServing === true });
    }
  }
  return [...pods.values()];
}

/** IPv4 before IPv6. */
function rank({ addressType, metadata }: EndpointSlice): string {
  return `${addressType} ${metadata.name}`;
}
