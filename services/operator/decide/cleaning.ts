/**
 * Old files of a cache, once a day and whatever else happens: a pod looks for them that fetches nothing.
 *
 * Beside it, the pod that fills a cache cleans before something new comes (fill.ts). Nobody waits for either. Pure.
 */
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import type { ApplyConfiguration } from "@localmodel/kube/objects/objects.ts";
import {
  type CacheCleaningInput,
  CLEANING_PERIOD_MS,
} from "@localmodel/localmodel/contracts/cache-cleaning.ts";
import type { CacheUse } from "../model/cache-use.ts";
import { type Model, wantedReplicas } from "../model/model.ts";
import type { Observed } from "../model/observed.ts";
import type { Platform } from "../model/platform.ts";
import { cacheClaimName, hasClaim } from "../objects/cache-claim.ts";
import { cleaningPod, isCleaningPod } from "../objects/fetch-pod.ts";
import { quantityValue } from "../objects/quantities.ts";
import {
  foundNoNode,
  hasFetched,
  isEnding,
  isOver,
  isScheduled,
  NO_NODE_PATIENCE_MS,
} from "../status/pod-problem.ts";
import { placeFor } from "./fill-place.ts";

/** Where it cannot be told what has to stay, or no pod may have the claim. */
const LATER_MS = 60 * 60 * 1000;

export type CleaningStep = {
  readonly configuration?: ApplyConfiguration<Pod>;
  /** Just now, for what is remembered. */
  readonly wasCleaned?: boolean;
  readonly againInMs?: number;
};

type Knowing = { readonly cacheUse?: CacheUse | undefined; readonly nowMs: number };
type Given = Knowing & { readonly observed: Observed };

/** Of a cache that is filled. */
export function cleaningStep(model: Model, platform: Platform, given: Given): CleaningStep {
  const { observed, nowMs } = given;
  if (model.spec.cache?.unused === undefined) return {};
  const lastMs = lastCleanedMs(observed, nowMs);
  const { fetchPod: pod } = observed;
  if (pod !== undefined && isNews(pod, lastMs) && isDone(pod, nowMs))
    return { wasCleaned: true, againInMs: CLEANING_PERIOD_MS };
  const dueInMs = lastMs + CLEANING_PERIOD_MS - nowMs;
  if (dueInMs > 0) return { againInMs: dueInMs };
  const place = placeOf(model, observed);
  const cleaning = cleaningOf(model, given);
  if (cleaning === undefined || place === undefined) return { againInMs: LATER_MS };
  const configuration = cleaningPod(model, platform, { ...place, cleaning });
  return { configuration, againInMs: NO_NODE_PATIENCE_MS };
}

/** It is there for a moment after it has been remembered. */
function isNews(pod: Pod, lastMs: number): boolean {
  const bornMs = Date.parse(pod.metadata.creationTimestamp ?? "");
  return isCleaningPod(pod) && !isEnding(pod) && bornMs >= lastMs;
}

/** Where no node has room it is left for the day: nodes are not brought for it. */
function isDone(pod: Pod, nowMs: number): boolean {
  return hasFetched(pod) || foundNoNode(pod, nowMs);
}

function lastCleanedMs({ status: { cache } }: Observed, nowMs: number): number {
  const saidMs = Date.parse(cache?.cleanedAt ?? cache?.filledAt ?? "");
  return Number.isNaN(saidMs) ? nowMs : saidMs;
}

/**
 * Beside a pod that has the claim, where there is one. A volume that one node mounts is not taken to another while pods
 * that serve may come to need it.
 */
function placeOf(model: Model, observed: Observed): { readonly nodeName?: string } | undefined {
  const place = placeFor(model, observed);
  if (place.kind !== "node") return undefined;
  const claim = cacheClaimName(model);
  const user = observed.pods.find(
    (pod) => isScheduled(pod) && !isOver(pod) && hasClaim(pod, claim),
  );
  const nodeName = place.nodeName ?? user?.spec?.nodeName;
  const accessMode = model.spec.cache?.claimTemplate?.accessMode ?? "ReadWriteMany";
  const isFree = accessMode === "ReadWriteMany" || wantedReplicas(model) === 0;
  if (nodeName !== undefined) return { nodeName };
  return isFree ? {} : undefined;
}

/** What a pod on the claim is told; undefined where nothing may go. */
export function cleaningOf(
  model: Model,
  { cacheUse, nowMs }: Knowing,
): CacheCleaningInput | undefined {
  const { unused } = model.spec.cache ?? {};
  if (unused === undefined || cacheUse === undefined) return undefined;
  const { maxAgeDays, maxSize } = unused;
  return {
    decidedAtMs: nowMs,
    keepBlobs: [...cacheUse.keepBlobs],
    keepSources: [...cacheUse.keepSources],
    ...(maxAgeDays !== undefined && { maxAgeDays }),
    ...(maxSize !== undefined && { maxBytes: quantityValue(maxSize) }),
  };
}
