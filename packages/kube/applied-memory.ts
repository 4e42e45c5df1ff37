/**
 * Remembers what was applied, so that what is still there is not applied again.
 *
 * Applying the same once more changes nothing, but costs the API server a request per object and pass.
 * It is left out when the same was applied before and the object is still as that left it: nobody has
 * changed anything but its status. Forgetting is harmless (a restart applies everything once more).
 */
import { createHash } from "node:crypto";
import { type KubeObject, keyOf, type ObjectName } from "./objects.ts";
import { apiVersionOf, type Resource } from "./resource.ts";

type Memory = { readonly configuration: string; readonly left: string };

export class AppliedMemory {
  readonly #memories = new Map<string, Memory>();

  /** Whether applying `configuration` to the object as it is observed would change nothing. */
  isCurrent(
    resource: Resource,
    configuration: { readonly metadata: ObjectName },
    observed: KubeObject | undefined,
  ): boolean {
    const id = idOf(resource, configuration.metadata);
    const memory = this.#memories.get(id);
    if (memory === undefined) return false;
    if (observed === undefined) {
      this.#memories.delete(id);
      return false;
    }
    return memory.configuration === digest(configuration) && memory.left === traceOf(observed);
  }

  /** `applied`: what the API server returned. */
  remember(
    resource: Resource,
    configuration: { readonly metadata: ObjectName },
    applied: KubeObject,
  ): void {
    this.#memories.set(idOf(resource, configuration.metadata), {
      configuration: digest(configuration),
      left: traceOf(applied),
    });
  }

  forget(resource: Resource, name: ObjectName): void {
    this.#memories.delete(idOf(resource, name));
  }
}

function idOf(resource: Resource, name: ObjectName): string {
  return `${apiVersionOf(resource)}/${resource.plural}/${keyOf(name)}`;
}

/** Changes with everything but the status; for kinds without a generation, with everything. */
function traceOf({ metadata }: KubeObject): string {
  const { uid, generation, resourceVersion, deletionTimestamp } = metadata;
  const { labels = {}, annotations = {}, ownerReferences = [], finalizers = [] } = metadata;
  const version = generation ?? resourceVersion;
  return digest([
    [uid, version, deletionTimestamp ?? null],
    [sorted(labels), sorted(annotations), ownerReferences, finalizers],
  ]);
}

function sorted(map: Readonly<Record<string, string>>): readonly (readonly string[])[] {
  return Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("base64");
}
