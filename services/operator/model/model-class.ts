/**
 * What a LocalModelClass makes of a LocalModel and of the platform that it runs on. Pure.
 *
 * Merged once, before anything is decided: whoever makes pods need not know that there are classes.
 */
import type { KubeObject } from "@localmodel/kube/objects/objects.ts";
import { defineResource } from "@localmodel/kube/objects/resource.ts";
import { CLASS_RESOURCE } from "@localmodel/localmodel/cluster/class-crd.ts";
import type { Claimant } from "@localmodel/localmodel/resource/claims.ts";
import type { LocalModelClassSpec } from "@localmodel/localmodel/resource/class-spec.ts";
import { digest, sorted } from "./digest.ts";
import type { Model } from "./model.ts";
import type { Platform } from "./platform.ts";

export type StoredClass = KubeObject & { readonly spec?: unknown };
export const LOCAL_MODEL_CLASSES = defineResource<StoredClass>(CLASS_RESOURCE);

export type ClassFound =
  /** The LocalModel names none, and there is no default. */
  | { readonly kind: "none" }
  /** Or cannot be used; why, as a sentence. */
  | { readonly kind: "missing"; readonly name: string; readonly why: string }
  | { readonly kind: "found"; readonly name: string; readonly spec: LocalModelClassSpec };

/** What its class lets a LocalModel have of the ids that it claims. */
export type IdRights = Required<Pick<Claimant, "refused" | "yields">>;

export type Asked = {
  readonly replicas: number;
  readonly devices: number;
  /** In bytes. */
  readonly deviceMemory: number;
};

type Spec = Model["spec"];

export function withClass(
  model: Model,
  platform: Platform,
  found: LocalModelClassSpec,
): { readonly model: Model; readonly platform: Platform } {
  return {
    model: { ...model, spec: mergedSpec(model.spec, found) },
    platform: mergedPlatform(platform, found),
  };
}

/** Lists add up; of what there is one, the LocalModel's own counts, and of labels of nodes the class's. */
export function mergedSpec(spec: Spec, found: LocalModelClassSpec): Spec {
  const nodeSelector = { ...spec.nodeSelector, ...found.nodeSelector };
  return {
    ...usually(found),
    ...spec,
    ...added("tolerations", found, spec),
    ...added("supplementalGroups", found, spec),
    ...added("imagePullSecrets", found, spec),
    ...(Object.keys(nodeSelector).length > 0 && { nodeSelector }),
    ...podMetadataOf(spec, found),
  };
}

function podMetadataOf(
  { podMetadata: own }: Pick<Spec, "podMetadata">,
  { podMetadata: given }: LocalModelClassSpec,
): Pick<Spec, "podMetadata"> {
  if (given === undefined) return {};
  const labels = { ...given.labels, ...own?.labels };
  const annotations = { ...given.annotations, ...own?.annotations };
  return { podMetadata: { labels, annotations } };
}

/** What a LocalModel has that does not say its own. */
function usually(found: LocalModelClassSpec): Partial<Spec> {
  const { runtimeClassName, priorityClassName, schedulerName, resources, cache } = found;
  const { serviceAccountName } = found;
  return {
    ...(runtimeClassName !== undefined && { runtimeClassName }),
    ...(priorityClassName !== undefined && { priorityClassName }),
    ...(schedulerName !== undefined && { schedulerName }),
    ...(serviceAccountName !== undefined && { serviceAccountName }),
    ...(resources !== undefined && { resources }),
    ...(cache !== undefined && { cache: cacheOf(cache) }),
  };
}

function cacheOf({ unused, ...claimTemplate }: NonNullable<LocalModelClassSpec["cache"]>) {
  return { claimTemplate, fill: "Automatic" as const, ...(unused !== undefined && { unused }) };
}

type Listed = "tolerations" | "supplementalGroups" | "imagePullSecrets";

/** What the class does not add to is as it is written, twice where it is twice. */
function added(
  field: Listed,
  { [field]: given = [] }: Pick<Spec, Listed>,
  { [field]: own = [] }: Pick<Spec, Listed>,
): Partial<Spec> {
  const items = distinct<unknown>([...given, ...own]);
  return given.length === 0 ? {} : { [field]: items };
}

function mergedPlatform(platform: Platform, found: LocalModelClassSpec): Platform {
  const { environment, caBundle, podSecurity, pod, podTemplatePatch } = found;
  const { fetch } = platform;
  return {
    ...platform,
    podSecurity: podSecurityOf(platform, podSecurity),
    fetch: {
      ...fetch,
      environment: { ...fetch.environment, ...environment },
      ...(caBundle !== undefined && { caBundle }),
    },
    ...(environment !== undefined && { environment }),
    ...(pod !== undefined && { podFields: pod }),
    ...(podTemplatePatch !== undefined && { podTemplatePatch }),
    ...(caBundle !== undefined && { serverTrustsCaBundle: true }),
    // Pods of a class follow its changes as they follow those of the platform: not all at once.
    classRevision: digest(sorted({ ...found, allowedNamespaces: [], modelIds: [], quota: {} })),
  };
}

function podSecurityOf(
  { podSecurity: usual }: Platform,
  own: LocalModelClassSpec["podSecurity"],
): Platform["podSecurity"] {
  if (own === undefined) return usual;
  const otherwise = own.chosenByCluster
    ? { runAsUser: null, runAsGroup: null, fsGroup: null }
    : usual;
  return {
    supplementalGroups: usual.supplementalGroups,
    runAsUser: own.runAsUser ?? otherwise.runAsUser,
    runAsGroup: own.runAsGroup ?? otherwise.runAsGroup,
    fsGroup: own.fsGroup ?? otherwise.fsGroup,
  };
}

function distinct<Item>(items: readonly Item[]): Item[] {
  return [...new Map(items.map((item) => [JSON.stringify(sorted(item)), item])).values()];
}
