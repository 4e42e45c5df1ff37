/**
 * Which pods of a model get requests: those that are ready and not on their way out.
 *
 * A terminating pod still serves what it has, and its slice may go on calling it ready or serving. It leaves
 * at once all the same: a request sent now could outlive it. While slices are rebuilt a pod may be in two of
 * them that differ, and in a cluster of two address families it always is in two; it counts once, and is
 * leaving when either says so.
 */
import { MODEL_LABEL, objectName } from "@localmodel/localmodel/cluster/labels.ts";
import { SERVER_PORT_NAME } from "@localmodel/localmodel/cluster/pod-layout.ts";
import type { EndpointSlice } from "@localmodel/kube/objects/core-resources.ts";
import { byFamilyAndName } from "@localmodel/kube/objects/slice-order.ts";
import { urlHost } from "@localmodel/service/http/url-host.ts";

const SERVICE_LABEL = "kubernetes.io/service-name";

/** The LocalModel whose Service a slice belongs to, as `namespace/name`. */
export function modelOf({ metadata }: EndpointSlice): string | undefined {
  const name = metadata.labels?.[MODEL_LABEL];
  // Other Services may select the same pods, ready or not, and carry the same labels.
  if (name === undefined || metadata.labels?.[SERVICE_LABEL] !== objectName(name)) return undefined;
  return `${metadata.namespace}/${name}`;
}

/** Base URLs of the pods in all slices of one model. */
export function endpointsOf(slices: readonly EndpointSlice[]): readonly string[] {
  const sightings = slices.toSorted(byFamilyAndName).flatMap(sightingsIn);
  const leaving = new Set(sightings.filter(({ isLeaving }) => isLeaving).map(({ pod }) => pod));
  const urls = new Map<string, string>();
  for (const { pod, url } of sightings) {
    if (url !== undefined && !leaving.has(pod) && !urls.has(pod)) urls.set(pod, url);
  }
  return [...new Set(urls.values())];
}

/** The name of the pod behind each URL. */
export function podNames(slices: readonly EndpointSlice[]): Readonly<Record<string, string>> {
  const sightings = slices.flatMap(sightingsIn);
  return Object.fromEntries(
    sightings.flatMap(({ url, name }) => (url === undefined || !name ? [] : [[url, name]])),
  );
}

/** The name of the node behind each URL. */
export function nodeNames(slices: readonly EndpointSlice[]): Readonly<Record<string, string>> {
  const sightings = slices.flatMap(sightingsIn);
  return Object.fromEntries(
    sightings.flatMap(({ url, node }) => (url === undefined || !node ? [] : [[url, node]])),
  );
}

/** One pod as one slice has it; with a URL when it is ready. */
type Sighting = {
  readonly pod: string;
  readonly isLeaving: boolean;
  readonly name?: string;
  readonly node?: string;
  readonly url?: string;
};

function sightingsIn({ endpoints, ports }: EndpointSlice): Sighting[] {
  const port = ports?.find(({ name }) => name === SERVER_PORT_NAME)?.port;
  // On the wire it is null for a slice without endpoints, whatever the type says.
  return (endpoints ?? []).flatMap(({ addresses: [address], conditions, nodeName, targetRef }) => {
    if (address === undefined) return [];
    const { terminating: isLeaving = false, ready = true } = conditions ?? {};
    const pod = targetRef?.uid ?? address;
    if (!ready || port === undefined) return [{ pod, isLeaving }];
    const name = targetRef?.name;
    return [
      {
        pod,
        isLeaving,
        ...(name !== undefined && { name }),
        ...(nodeName !== undefined && { node: nodeName }),
        url: `http://${urlHost(address)}:${port}`,
      },
    ];
  });
}
