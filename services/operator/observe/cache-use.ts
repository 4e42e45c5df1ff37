/**
 * What of a cache has to stay: what pods on its claim use, and what LocalModels on it may want.
 *
 * Which file a source turned out to be pods say themselves, once they have fetched it (cache-cleaning.ts). Where one does not,
 * nobody knows, and nothing may go.
 */
import { type Pod, PODS } from "@localmodel/kube/objects/core-resources.ts";
import { objectName } from "@localmodel/localmodel/cluster/labels.ts";
import { FETCH_CONTAINER } from "@localmodel/localmodel/cluster/pod-layout.ts";
import { parseFetched } from "@localmodel/localmodel/contracts/cache-cleaning.ts";
import {
  FETCH_CONFIG_VARIABLE,
  FetchConfig,
} from "@localmodel/localmodel/contracts/fetch-config.ts";
import type { SourceSpec } from "@localmodel/localmodel/resource/source-spec.ts";
import type { CacheUse } from "../model/cache-use.ts";
import type { StoredModel } from "../model/local-model-resource.ts";
import { type Model, readSpec } from "../model/model.ts";
import { cacheClaimName, hasClaim } from "../objects/cache-claim.ts";
import { fetchedFile, filesOf } from "../objects/files.ts";
import { isOver } from "../status/pod-problem.ts";
import type { Caches } from "./caches.ts";

/** Undefined where it cannot be told. */
export function cacheUse(model: Model, caches: Pick<Caches, "setOf">): CacheUse | undefined {
  const claim = cacheClaimName(model);
  const set = caches.setOf(model.namespace);
  if (claim === undefined || set === undefined) return undefined;
  const isHere = (object: { metadata: { namespace?: string } }) =>
    object.metadata.namespace === model.namespace;
  const pods = ((set.cacheOf(PODS)?.list() ?? []) as readonly Pod[]).filter(
    (pod) => isHere(pod) && !isOver(pod) && hasClaim(pod, claim),
  );
  const models = set.models.cache.list().filter((one) => isHere(one) && isOn(claim, one));
  const used = pods.map(usedBy);
  const wanted = models.map(wantedBy);
  if (![...used, ...wanted].every((one) => one !== undefined)) return undefined;
  const all = [...used, ...wanted].filter((one) => one !== undefined);
  return {
    keepBlobs: [...new Set(all.flatMap(({ keepBlobs }) => keepBlobs))],
    keepSources: all.flatMap(({ keepSources }) => keepSources),
  };
}

/** Read leniently: one that is not quite right may use the claim nevertheless. */
function isOn(claim: string, { metadata, spec }: StoredModel): boolean {
  const { cache } = (spec ?? {}) as { readonly cache?: { readonly claimName?: unknown } };
  return cache?.claimName === claim || objectName(metadata.name) === claim;
}

function wantedBy({ spec }: StoredModel): CacheUse | undefined {
  const read = readSpec(spec);
  if ("problem" in read) return undefined;
  return { keepBlobs: [], keepSources: filesOf(read).map((file) => fetchedFile(file).source) };
}

/** One that has not fetched yet asks for its files when it does, which counts as use. */
function usedBy(pod: Pod): CacheUse | undefined {
  const ended = fetchStatus(pod)?.state?.terminated;
  if (ended?.exitCode !== 0) return askedBy(pod);
  const keepBlobs = parseFetched(ended.message);
  return keepBlobs && { keepBlobs, keepSources: [] };
}

function fetchStatus({ status: { initContainerStatuses = [], containerStatuses = [] } = {} }: Pod) {
  const all = [...initContainerStatuses, ...containerStatuses];
  return all.find(({ name }) => name === FETCH_CONTAINER);
}

function askedBy({ spec }: Pod): CacheUse | undefined {
  const variable = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]
    .flatMap(({ env = [] }) => env)
    .find(({ name }) => name === FETCH_CONFIG_VARIABLE);
  const keepSources = sourcesIn(variable?.value);
  return keepSources && { keepBlobs: [], keepSources };
}

function sourcesIn(config: string | undefined): readonly SourceSpec[] | undefined {
  try {
    return FetchConfig.parse(JSON.parse(config ?? "")).files.map(({ source }) => source);
  } catch {
    return undefined;
  }
}
