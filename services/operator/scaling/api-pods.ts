/**
 * The pods of the API service, as the slices of its Service name them: all of them, ready or not, those on their way out
 * as well. Whoever is named may hold requests.
 */
import type { EndpointSlice } from "@localmodel/kube/objects/core-resources.ts";
import { byFamilyAndName } from "@localmodel/kube/objects/slice-order.ts";
import { urlHost } from "@localmodel/service/http/url-host.ts";

export type ApiPod = {
  /** The same as long as it is the same pod. */
  readonly id: string;
  readonly url: string;
  /** Whether it takes or finishes requests, as far as its probe says. */
  readonly isServing: boolean;
};

/** `port`: of what they tell about demand. */
export function apiPods(slices: readonly EndpointSlice[], way: Way): readonly ApiPod[] {
  const pods = new Map<string, ApiPod>();
  const sorted = slices.toSorted(byFamilyAndName);
  for (const seen of sorted.flatMap((slice) => podsIn(slice, way))) {
    const { url, isServing } = pods.get(seen.id) ?? seen;
    pods.set(seen.id, { ...seen, url, isServing: isServing || seen.isServing });
  }
  return [...pods.values()];
}

type Way = { readonly port: number; readonly path: string };

function podsIn({ endpoints }: EndpointSlice, { port, path }: Way): readonly ApiPod[] {
  // On the wire it is null for a slice without endpoints, whatever the type says.
  return (endpoints ?? []).flatMap(({ addresses: [address], conditions = {}, targetRef }) => {
    if (address === undefined) return [];
    const url = `http://${urlHost(address)}:${port}${path}`;
    const isServing = conditions.serving ?? conditions.ready ?? true;
    return [{ id: targetRef?.uid ?? address, url, isServing }];
  });
}
