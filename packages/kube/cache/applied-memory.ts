/**
 * Remembers what was applied, so that what is still there is not applied again.
 *
 * Applying the same once more changes nothing, but costs the API server a request per object and pass.
 * It is left out when the same was applied before and the object is still as that left it: nobody has
 * changed anything but its status, or added labels and annotations of their own, as Kubernetes' controllers do. Forgetting is harmless (a restart applies everything once more).
 */
import { createHash } from "node:crypto";
import { type KubeObject, keyOf, type ObjectMeta, type ObjectName } from "../objects/objects.ts";
import { apiVersionOf, type Resource } from "../objects/resource.ts";

type Configuration = { readonly metadata: ObjectName & Pick<ObjectMeta, "labels" | "annotations"> };
type Memory = { readonly configuration: string; readonly left: string };

export class AppliedMemory {
  readonly #memories = new Map<string, Memory>();

  /** Whether applying `configuration` to the object as it is observed would change nothing. */
  isCurrent(
    resource: Resource,
    configuration: Configuration,
    observed: KubeObject | undefined,
  ): boolean {
    const id = idOf(resource, configuration.metadata);
    const memory = this.#memories.get(id);
    if (memory === undefined) return false;
    if (observed === undefined) {
      this.#memories.delete(id);
      return false;
    }
    return (
      memory.configuration === digest(configuration) &&
      memory.left === traceOf(observed, configuration)
    );
  }

  /** `applied`: what the API server returned. */
  remember(resource: Resource, configuration: Configuration, applied: KubeObject): void {
    this.#memories.set(idOf(resource, configuration.metadata), {
      configuration: digest(configuration),
      left: traceOf(applied, configuration),
    });
  }

  forget(resource: Resource, name: ObjectName): void {
    this.#memories.delete(idOf(resource, name));
  }
}

function idOf(resource: Resource, name: ObjectName): string {
  return `${apiVersionOf(resource)}/${resource.plural}/${keyOf(name)}`;
}

/** Changes with everything that was applied; for kinds without a generation, with everything there is. */
function traceOf({ metadata }: KubeObject, applied: Configuration): string {
  const { uid, generation, resourceVersion, deletionTimestamp, ownerReferences = [] } = metadata;
  return digest([
    [uid, generation ?? resourceVersion, deletionTimestamp ?? null, ownerReferences],
    sameKeys(metadata.labels, applied.metadata.labels),
    sameKeys(metadata.annotations, applied.metadata.annotations),
  ]);
}

type Texts = Readonly<Record<string, string>>;

function sameKeys(there: Texts = {}, applied: Texts = {}): readonly (readonly unknown[])[] {
  return Object.keys(applied)
    .toSorted()
    .map((key) => [key, there[key] ?? null]);
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("base64");
}
