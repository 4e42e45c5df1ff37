/**
 * Everything the operator watches: LocalModels, and objects that carry their label.
 *
 * One set of reflectors for the whole cluster, or one for each namespace it looks after. Nothing else is
 * read from caches, so the operator's memory grows with models and not with the cluster.
 */
import {
  DEPLOYMENTS,
  PERSISTENT_VOLUME_CLAIMS,
  POD_DISRUPTION_BUDGETS,
  PODS,
  SERVICE_ACCOUNTS,
  SERVICES,
} from "@localmodel/kube/objects/core-resources.ts";
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import type { Log } from "@localmodel/kube/log.ts";
import type { ObjectCache } from "@localmodel/kube/cache/object-cache.ts";
import { type KubeObject, keyOf } from "@localmodel/kube/objects/objects.ts";
import { Reflector } from "@localmodel/kube/cache/reflector.ts";
import type { Resource } from "@localmodel/kube/objects/resource.ts";
import type { Transport } from "@localmodel/kube/wire/transport.ts";
import type { OperatorConfig } from "@localmodel/localmodel/contracts/operator-config.ts";
import type { LocalModelClassSpec } from "@localmodel/localmodel/resource/class-spec.ts";
import { COMPONENT_LABEL, MODEL_LABEL } from "@localmodel/localmodel/cluster/labels.ts";
import { MODEL_SERVER_COMPONENT, objectName } from "@localmodel/localmodel/cluster/labels.ts";
import { LocalModelStatus } from "@localmodel/localmodel/resource/status-spec.ts";
import { allIdsOf, ID_INDEX } from "./duplicates.ts";
import { LOCAL_MODEL_CLASSES, type StoredClass } from "../model/model-class.ts";
import { LOCAL_MODELS, type StoredModel } from "../model/local-model-resource.ts";
import { fetchPodName } from "../objects/fetch-pod.ts";
import { inspectPodName } from "../objects/inspect-pod.ts";
import { pullPodName } from "../objects/pull-pod.ts";
import type { Observed } from "../model/observed.ts";

const MODEL_INDEX = "model";

/** Kinds of objects that are made for a LocalModel. */
export const OWNED = [
  SERVICE_ACCOUNTS,
  PERSISTENT_VOLUME_CLAIMS,
  SERVICES,
  POD_DISRUPTION_BUDGETS,
  DEPLOYMENTS,
  PODS,
] as const;

type Owned = { readonly resource: Resource; readonly reflector: Reflector };

/** The key of the LocalModel an object belongs to. */
export function modelKeysOf({ metadata }: KubeObject): readonly string[] {
  const name = metadata.labels?.[MODEL_LABEL];
  const { namespace } = metadata;
  return name === undefined || namespace === undefined ? [] : [keyOf({ namespace, name })];
}

/** What is watched in one namespace, or in all. */
class WatchedSet {
  readonly models: Reflector<StoredModel>;
  readonly owned: readonly Owned[];
  readonly namespace: string | undefined;

  constructor(transport: Transport, log: Log, namespace?: string) {
    this.namespace = namespace;
    const where = namespace === undefined ? {} : { namespace };
    const indexers = { [ID_INDEX]: allIdsOf };
    this.models = new Reflector(transport, { resource: LOCAL_MODELS, ...where }, { log, indexers });
    this.owned = OWNED.map((resource: Resource) => ({
      resource,
      reflector: new Reflector(
        transport,
        { resource, labelSelector: MODEL_LABEL, ...where },
        { log, indexers: { [MODEL_INDEX]: modelKeysOf } },
      ),
    }));
  }

  get reflectors(): readonly Reflector[] {
    return [this.models, ...this.owned.map(({ reflector }) => reflector)];
  }

  observe(stored: StoredModel): Observed {
    const { namespace = "", name } = stored.metadata;
    const objects = this.owned.flatMap(({ resource, reflector }) =>
      reflector.cache
        .find(MODEL_INDEX, keyOf(stored.metadata))
        .map((object) => ({ resource, object })),
    );
    const pods = objects
      .filter(({ resource }) => resource === PODS)
      .map(({ object }) => object as Pod);
    return {
      status: LocalModelStatus.catch({}).parse(stored.status ?? {}),
      objects,
      deployment: this.cacheOf(DEPLOYMENTS)?.get(keyOf({ namespace, name: objectName(name) })),
      inspectPod: pods.find(({ metadata }) => metadata.name === inspectPodName(name)),
      fetchPod: pods.find(({ metadata }) => metadata.name === fetchPodName(name)),
      pullPod: pods.find(({ metadata }) => metadata.name === pullPodName(name)),
      pods: this.serversOf(keyOf(stored.metadata)),
    };
  }

  /** Pods that serve the LocalModel, or will. */
  serversOf(key: string): readonly Pod[] {
    const pods = (this.cacheOf(PODS)?.find(MODEL_INDEX, key) ?? []) as readonly Pod[];
    return pods
      .filter(({ metadata }) => metadata.labels?.[COMPONENT_LABEL] === MODEL_SERVER_COMPONENT)
      .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  cacheOf(resource: Resource): ObjectCache | undefined {
    return this.owned.find((owned) => owned.resource === resource)?.reflector.cache;
  }
}

export class Caches {
  readonly sets: readonly WatchedSet[];
  /** Only where the operator looks after the whole cluster: who looks after namespaces has no rights outside of them. */
  readonly classes: Reflector<StoredClass> | undefined;

  /** Where there is no LocalModelClass of that name. */
  readonly defaultClass: LocalModelClassSpec | undefined;

  /** No namespaces: all. */
  constructor(
    transport: Transport,
    log: Log,
    { namespaces, defaultClass }: Pick<OperatorConfig, "namespaces" | "defaultClass">,
  ) {
    this.defaultClass = defaultClass;
    this.classes =
      namespaces.length === 0
        ? new Reflector(transport, { resource: LOCAL_MODEL_CLASSES }, { log })
        : undefined;
    const scopes = namespaces.length === 0 ? [undefined] : [...new Set(namespaces)];
    this.sets = scopes.map((namespace) => new WatchedSet(transport, log, namespace));
  }

  get reflectors(): readonly Reflector[] {
    const own = this.sets.flatMap(({ reflectors }) => reflectors);
    return this.classes === undefined ? own : [this.classes, ...own];
  }

  get modelCaches(): readonly ObjectCache<StoredModel>[] {
    return this.sets.map(({ models }) => models.cache);
  }

  setOf(namespace: string | undefined): WatchedSet | undefined {
    return this.sets.find((set) => set.namespace === undefined || set.namespace === namespace);
  }
}
