/**
 * Whether the cache of a model is filled before it gets pods, by a pod that asks for no device. Pure.
 *
 * That pod comes first where serving pods would hold devices while they download, and while a model sleeps. Where it cannot
 * (fill-place.ts), or finds no node, the pods that serve fetch for themselves, as they do without it.
 */
import type { Deployment, Pod } from "@localmodel/kube/objects/core-resources.ts";
import type { ApplyConfiguration } from "@localmodel/kube/objects/objects.ts";
import {
  FETCH_CONFIG_VARIABLE,
  type FetchConfigInput,
} from "@localmodel/localmodel/contracts/fetch-config.ts";
import type { Inspection } from "@localmodel/localmodel/contracts/inspection.ts";
import type { CacheUse } from "../model/cache-use.ts";
import type { Downloads } from "../model/downloads.ts";
import { isAsleep, type Model, wantedReplicas } from "../model/model.ts";
import type { ClaimEvent, Observed } from "../model/observed.ts";
import type { Platform } from "../model/platform.ts";
import { cacheClaimName, hasClaim } from "../objects/cache-claim.ts";
import { downloadHost } from "../objects/download-host.ts";
import { fetchConfig } from "../objects/fetch-container.ts";
import { fetchPod, fillHash } from "../objects/fetch-pod.ts";
import { gpuOf } from "../objects/gpu.ts";
import { SOURCE_ANNOTATION } from "../objects/inspect-pod.ts";
import { REVISION_ANNOTATION } from "../objects/metadata.ts";
import { devicePlacement } from "../objects/placement.ts";
import { foundNoNode, hasFetched, isEnding } from "../status/pod-problem.ts";
import { deployedRevision, revisionOf } from "../status/situation.ts";
import { cleaningOf, type CleaningStep, cleaningStep } from "./cleaning.ts";
import { type Place, placeFor } from "./fill-place.ts";
import { bringsNode } from "./room.ts";

export type Fill =
  /** Nobody has to wait for it. */
  | { readonly kind: "none" }
  | ({ readonly kind: "filled"; readonly sourceHash: string } & CleaningStep)
  /** The claim has no volume yet; what was said of it last. */
  | { readonly kind: "claim"; readonly says: ClaimEvent | undefined }
  /** As many others download from the host as may. */
  | { readonly kind: "queued"; readonly host: string }
  | {
      readonly kind: "filling";
      readonly host: string;
      readonly configuration: ApplyConfiguration<Pod>;
      /** There is one already, and it is this one. */
      readonly pod: Pod | undefined;
      /** What is wrong with its claim. */
      readonly says?: ClaimEvent;
    }
  /** To the pods that serve; the pod that could not be placed stays, so that nobody makes it anew. */
  | { readonly kind: "left"; readonly configuration?: ApplyConfiguration<Pod> };

type FillGiven = {
  readonly observed: Observed;
  readonly nowMs: number;
  readonly downloads: Downloads;
  /** What of its cache has to stay; absent: nobody can tell. */
  readonly cacheUse?: CacheUse | undefined;
  /** Of the pods that are asked for. */
  readonly revision: string | undefined;
  /** Whether it is the platform alone that wants other pods: their weights are there. */
  readonly isUpgrade: boolean;
  readonly inspection: Inspection | undefined;
};

export function fillStep(model: Model, platform: Platform, given: FillGiven): Fill {
  const { observed } = given;
  const sourceHash = fillHash(model);
  const host = downloadHost(model, platform);
  if (sourceHash === undefined || host === undefined) return { kind: "none" };
  if (isFilled(sourceHash, model, platform, observed))
    return { kind: "filled", sourceHash, ...cleaningStep(model, platform, given) };
  if (!isAskedFor(model, given)) return { kind: "none" };
  const place = placeFor(model, observed);
  if (place.kind === "claim" || place.kind === "left") return place;
  return placedFill(place, model, platform, { ...given, sourceHash, host });
}

function placedFill(place: Placed, model: Model, platform: Platform, given: Filled): Fill {
  const { host, downloads, observed } = given;
  const configuration = configurationAt(place, model, platform, given);
  if (configuration === undefined) return { kind: "left" };
  const { fetchPod: pod, claimSays } = observed;
  const filling = { kind: "filling", host, configuration } as const;
  if (pod === undefined || isEnding(pod)) {
    const isFull = downloads.othersFrom(host) >= downloads.maxPerHost;
    return isFull ? { kind: "queued", host } : { ...filling, pod: undefined };
  }
  const mayBeLeft = wantedReplicas(model) > 0 || place.kind === "devices";
  if (mayBeLeft && isLost(pod, given)) return { kind: "left", configuration };
  return { ...filling, pod, ...(claimSays?.isWarning === true && { says: claimSays }) };
}

/** Then pods fetch for themselves: no node that has room may reach the volume. */
function isLost(pod: Pod, { observed, nowMs }: FillGiven): boolean {
  return foundNoNode(pod, nowMs) && !bringsNode(observed.waiting, nowMs);
}

type Placed = Extract<Place, { kind: "node" | "devices" }>;
type Filled = FillGiven & { readonly sourceHash: string; readonly host: string };

/** Undefined where it cannot be told which nodes would do. A pod that is at it stays as it was made. */
function configurationAt(
  place: Placed,
  model: Model,
  platform: Platform,
  given: Filled,
): ApplyConfiguration<Pod> | undefined {
  const { observed, inspection, sourceHash, host } = given;
  const placement = devicePlacement(model, platform, inspection);
  const wanted = { sourceHash, host, cleaning: cleaningOf(model, given) };
  const near = placement && fetchPod(model, platform, { ...wanted, placement });
  if (place.kind === "devices") return near;
  const isThere = near !== undefined && observed.fetchPod !== undefined;
  if (isThere && revisionOf(observed.fetchPod) === near.metadata.annotations?.[REVISION_ANNOTATION])
    return near;
  return fetchPod(model, platform, { ...wanted, nodeName: place.nodeName });
}

/** Whether it waits for its turn, or is at it. */
export function isUnderWay(fill: Fill | undefined): boolean {
  return fill !== undefined && ["claim", "queued", "filling"].includes(fill.kind);
}

/** Whether pods have to wait for it. */
export function isBefore(fill: Fill, model: Model): boolean {
  return wantedReplicas(model) > 0 && isUnderWay(fill);
}

function isFilled(
  sourceHash: string,
  model: Model,
  platform: Platform,
  { status, fetchPod: pod, pods }: Observed,
): boolean {
  if (status.cache?.sourceHash === sourceHash) return true;
  if (pod?.metadata.annotations?.[SOURCE_ANNOTATION] === sourceHash && hasFetched(pod)) return true;
  const fetchedOnes = pods.filter(hasFetched);
  if (fetchedOnes.length === 0) return false;
  const config = fetchConfig(model, platform);
  const claim = cacheClaimName(model);
  return fetchedOnes.some((one) => hasClaim(one, claim) && hasConfig(one, config));
}

function hasConfig({ spec }: Pod, config: FetchConfigInput): boolean {
  const text = JSON.stringify(config);
  return (spec?.initContainers ?? []).some(({ env = [] }) =>
    env.some(({ name, value }) => name === FETCH_CONFIG_VARIABLE && value === text),
  );
}

function isAskedFor(model: Model, { observed, revision, isUpgrade }: FillGiven): boolean {
  const { fill } = model.spec.cache ?? {};
  if (fill === undefined || fill === "WithPods" || isUpgrade) return false;
  if (wantedReplicas(model) === 0) {
    return isAsleep(model) || model.claim.held.length > 0;
  }
  return gpuOf(model) !== undefined && !havePods(observed.deployment, revision);
}

/** Pods that are there already fetch for themselves. */
function havePods(deployment: Deployment | undefined, revision: string | undefined): boolean {
  return deployedRevision(deployment) === revision && (deployment?.spec?.replicas ?? 0) > 0;
}
