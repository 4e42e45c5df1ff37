/**
 * Objects that somebody else made under names that the operator would use: applying would take them over.
 *
 * The caches only hold what carries our label. To ask for each object before its first apply cost the API server
 * as much as all writes together; one list of what has no label serves all models that come within a moment.
 */
import { unlessAborted } from "@localmodel/kube/deadline.ts";
import type { Client } from "@localmodel/kube/client.ts";
import type { Clock } from "@localmodel/kube/clock.ts";
import type { ObjectName } from "@localmodel/kube/objects.ts";
import { apiVersionOf, type Resource } from "@localmodel/kube/resource.ts";
import { MODEL_LABEL } from "@localmodel/localmodel/labels.ts";

type Names = ReadonlySet<string>;

const AGE_MAX_MS = 1000;

export class Strangers {
  readonly #client: Client;
  readonly #clock: Clock;
  /** Of the last moment. */
  readonly #lists = new Map<string, Promise<Names>>();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  async have(resource: Resource, object: ObjectName, signal: AbortSignal): Promise<boolean> {
    const names = await unlessAborted(this.#namesIn(resource, object.namespace ?? ""), signal);
    return names.has(object.name);
  }

  #namesIn(resource: Resource, namespace: string): Promise<Names> {
    const place = `${apiVersionOf(resource)}/${resource.plural}/${namespace}`;
    const known = this.#lists.get(place);
    if (known !== undefined) return known;
    const names = this.#list(resource, namespace);
    this.#lists.set(place, names);
    const forget = (): void => {
      if (this.#lists.get(place) === names) this.#lists.delete(place);
    };
    this.#clock.schedule(AGE_MAX_MS, forget);
    // Whoever asked is told of a failure; the next one asks anew.
    names.catch(forget);
    return names;
  }

  async #list(resource: Resource, namespace: string): Promise<Names> {
    const scope = { resource, namespace, labelSelector: `!${MODEL_LABEL}` };
    // Strangers have been there for long, as a rule: the server need not ask its database.
    const { items } = await this.#client.list(scope, {
      resourceVersion: "0",
      metadataOnly: true,
    });
    return new Set(items.map(({ metadata }) => metadata.name));
  }
}
