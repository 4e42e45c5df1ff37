/**
 * Objects that somebody else made under names that the operator would use: applying would take them over.
 *
 * The caches only hold what carries our label. To ask for each object before its first apply cost the API server
 * as much as all writes together; one list of what has no label serves all models that come within a moment. It has to
 * be as new as what the operator knows of the model: people apply a model and what it collides with in one go.
 */
import { unlessAborted } from "@localmodel/kube/time/deadline.ts";
import type { Client } from "@localmodel/kube/wire/client.ts";
import type { Clock } from "@localmodel/kube/time/clock.ts";
import type { ObjectName } from "@localmodel/kube/objects/objects.ts";
import { apiVersionOf, type Resource } from "@localmodel/kube/objects/resource.ts";
import { isAtLeast } from "@localmodel/kube/cache/resource-version.ts";
import type { Scope } from "@localmodel/kube/objects/scope.ts";
import { MODEL_LABEL } from "@localmodel/localmodel/cluster/labels.ts";

type Names = { readonly names: ReadonlySet<string>; readonly resourceVersion: string };

/** Whom an object is for. */
export type Beneficiary = {
  readonly key: string;
  readonly uid: string;
  readonly resourceVersion: string;
};

const AGE_MAX_MS = 1000;

export class Strangers {
  readonly #client: Client;
  readonly #clock: Clock;
  /** Of the last moment. */
  readonly #lists = new Map<string, Promise<Names>>();
  /** Each model as it was when its objects were first asked about: what came later is no news of strangers. */
  readonly #firstSeen = new Map<string, Beneficiary>();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  async have(
    resource: Resource,
    { name, namespace = "" }: ObjectName,
    { model, signal }: { readonly model: Beneficiary; readonly signal: AbortSignal },
  ): Promise<boolean> {
    const { resourceVersion } = this.#asFirstSeen(model);
    const place = `${apiVersionOf(resource)}/${resource.plural}/${namespace}`;
    for (;;) {
      const known = this.#lists.get(place);
      // One that begins now has all there is.
      const list = known ?? this.#begin(place, { resource, namespace });
      const found = await unlessAborted(list, signal);
      if (known === undefined || isAtLeast(found.resourceVersion, resourceVersion)) {
        return found.names.has(name);
      }
      if (this.#lists.get(place) === known) this.#lists.delete(place);
    }
  }

  /** Of a model that is gone. */
  forget(key: string): void {
    this.#firstSeen.delete(key);
  }

  #asFirstSeen(model: Beneficiary): Beneficiary {
    const known = this.#firstSeen.get(model.key);
    if (known?.uid === model.uid) return known;
    this.#firstSeen.set(model.key, model);
    return model;
  }

  #begin(place: string, scope: Pick<Scope, "resource" | "namespace">): Promise<Names> {
    const list = this.#list(scope);
    this.#lists.set(place, list);
    const forget = (): void => {
      if (this.#lists.get(place) === list) this.#lists.delete(place);
    };
    this.#clock.schedule(AGE_MAX_MS, forget);
    // Whoever asked is told of a failure; the next one asks anew.
    list.catch(forget);
    return list;
  }

  async #list(scope: Pick<Scope, "resource" | "namespace">): Promise<Names> {
    const unlabelled = { ...scope, labelSelector: `!${MODEL_LABEL}` };
    const { items, resourceVersion } = await this.#client.list(unlabelled, { metadataOnly: true });
    return { names: new Set(items.map(({ metadata }) => metadata.name)), resourceVersion };
  }
}
