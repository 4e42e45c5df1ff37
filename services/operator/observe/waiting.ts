/**
 * Looks up what a pod that found no node waits for: the nodes that its model's pods are on, and whether an autoscaler
 * brings one.
 *
 * Only while a pod waits, and nothing of it is watched: an operator of many models would otherwise hold all pods and
 * nodes of its cluster in memory. What it may not read is left out, as for an operator of single namespaces.
 */
import type { Client } from "@localmodel/kube/wire/client.ts";
import { NODES, type Pod, PODS } from "@localmodel/kube/objects/core-resources.ts";
import type { Observed, Place, Waiting } from "../model/observed.ts";
import { eventsOf, timeMs, unlessForbidden } from "./events.ts";
import { findsNoNode, isEnding } from "../status/pod-problem.ts";

/** Pods of a model mostly are alike, and so are their nodes. */
const NODES_MAX = 16;
/** Of Cluster Autoscaler and of Karpenter. */
const SCALES_UP: readonly string[] = ["TriggeredScaleUp", "Nominated"];
const GIVES_UP: readonly string[] = ["NotTriggerScaleUp", "FailedScaleUp"];

/** Undefined when no pod waits. */
export async function lookUpWaiting(
  client: Client,
  { pods, fetchPod }: Pick<Observed, "pods" | "fetchPod">,
): Promise<Waiting | undefined> {
  const first = [...pods, ...(fetchPod === undefined ? [] : [fetchPod])].find(
    (pod) => !isEnding(pod) && findsNoNode(pod),
  );
  if (first === undefined) return undefined;
  const names = [...new Set(pods.flatMap(({ spec }) => spec?.nodeName ?? []))].filter(Boolean);
  const [places, scaleUpAtMs] = await Promise.all([
    Promise.all(names.slice(0, NODES_MAX).map((name) => placeOf(client, name))),
    scaleUpOf(client, first),
  ]);
  const known = places.filter((place) => place !== undefined);
  return {
    places: new Map(known.map((place) => [place.node.metadata.name, place])),
    ...(scaleUpAtMs !== undefined && { scaleUpAtMs }),
  };
}

async function placeOf(client: Client, name: string): Promise<Place | undefined> {
  return unlessForbidden(async () => {
    const fieldSelector = `spec.nodeName=${name},status.phase!=Succeeded,status.phase!=Failed`;
    const [node, { items }] = await Promise.all([
      client.get(NODES, { name }),
      client.list({ resource: PODS, fieldSelector }),
    ]);
    return node && { node, pods: items };
  });
}

/** When an autoscaler last said that it brings a node, unless it has said since that it does not. */
async function scaleUpOf(client: Client, pod: Pod): Promise<number | undefined> {
  const events = await eventsOf(client, pod);
  const last = events
    .filter(({ reason = "" }) => [...SCALES_UP, ...GIVES_UP].includes(reason))
    .at(-1);
  return last === undefined || GIVES_UP.includes(last.reason ?? "") ? undefined : timeMs(last);
}
