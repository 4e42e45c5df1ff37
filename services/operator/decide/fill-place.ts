/**
 * Where the pod that fills a cache may run, by how the claim can be mounted.
 *
 * A volume that is made where its first pod runs, and that one node can mount, must not end up where there are no devices:
 * the pod then runs where the server could, or not at all.
 */
import {
  PERSISTENT_VOLUME_CLAIMS,
  type PersistentVolumeClaim,
} from "@localmodel/kube/objects/core-resources.ts";
import { type Model, wantedReplicas } from "../model/model.ts";
import type { ClaimEvent, Observed } from "../model/observed.ts";
import { cacheClaimName, hasClaim } from "../objects/cache-claim.ts";
import { gpuOf } from "../objects/gpu.ts";
import { isOver, isScheduled } from "../status/pod-problem.ts";

export type Place =
  /** Any that reaches the volume, or the one that is named. */
  | { readonly kind: "node"; readonly nodeName?: string }
  /** One that has devices, where it can be told. */
  | { readonly kind: "devices" }
  | { readonly kind: "claim"; readonly says: ClaimEvent | undefined }
  | { readonly kind: "left" };

/** Of a claim whose volume is made where its first pod runs. */
const WAITS_FOR_POD = "WaitForFirstConsumer";

/**
 * A claim that the author brings is taken to be there. Whether many nodes may mount it nobody knows: where a pod of the
 * model has it, its node can.
 */
export function placeFor(model: Model, observed: Observed): Place {
  const template = model.spec.cache?.claimTemplate;
  if (template?.accessMode === "ReadWriteMany") return { kind: "node" };
  const name = cacheClaimName(model);
  const user = observed.pods.find((pod) => isScheduled(pod) && !isOver(pod) && hasClaim(pod, name));
  if (user === undefined) {
    return template === undefined ? { kind: "node" } : placeOfUnused(model, name, observed);
  }
  const nodeName = user.spec?.nodeName;
  const isOfOnePod = template?.accessMode === "ReadWriteOncePod";
  return isOfOnePod || nodeName === undefined ? { kind: "left" } : { kind: "node", nodeName };
}

function placeOfUnused(
  model: Model,
  name: string | undefined,
  { objects, claimSays, fetchPod }: Observed,
): Place {
  const claim = objects.find(
    ({ resource, object }) =>
      resource === PERSISTENT_VOLUME_CLAIMS && object.metadata.name === name,
  )?.object;
  if (isBound(claim)) return { kind: "node" };
  // Once there is that pod, other things are said of the claim until it has its volume.
  const waitsForPod =
    claimSays?.reason === WAITS_FOR_POD || (fetchPod !== undefined && hasClaim(fetchPod, name));
  if (!waitsForPod) return { kind: "claim", says: claimSays };
  if (gpuOf(model) === undefined) return { kind: "node" };
  // A node with devices may have to be brought for it: not for a model that sleeps or is suspended, unless that is asked for.
  const isAsked = wantedReplicas(model) > 0 || model.spec.cache?.fill === "Ahead";
  return { kind: isAsked ? "devices" : "left" };
}

function isBound(claim: PersistentVolumeClaim | undefined): boolean {
  return claim?.status?.phase === "Bound";
}
