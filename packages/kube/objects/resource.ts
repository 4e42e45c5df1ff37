/**
 * A kind of object the API server serves, and where.
 *
 * The type parameter says what its objects look like; nothing checks that at run time. Paths are built
 * here and nowhere else, every part encoded.
 */
import type { KubeObject, ObjectName } from "./objects.ts";

export type Resource<T extends KubeObject = KubeObject> = {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Only for the compiler. */
  readonly object?: T;
};

export type Subresource = "status" | "scale";

export function defineResource<T extends KubeObject>(resource: Resource<T>): Resource<T> {
  return resource;
}

export function apiVersionOf({ group, version }: Resource): string {
  return group === "" ? version : `${group}/${version}`;
}

/** Where the objects of one namespace, or of all, are listed. */
export function collectionPath(resource: Resource, namespace?: string): string {
  const { group, plural, namespaced } = resource;
  if (namespace !== undefined && !namespaced) {
    throw new Error(`${plural} have no namespace, and "${namespace}" was given`);
  }
  const root = group === "" ? "/api" : "/apis";
  const scope = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}/${apiVersionOf(resource)}${scope}/${plural}`;
}

export function objectPath(
  resource: Resource,
  { namespace, name }: ObjectName,
  subresource?: Subresource,
): string {
  if (resource.namespaced && namespace === undefined) {
    throw new Error(`a ${resource.kind} is in a namespace, and none was given for "${name}"`);
  }
  if (name === "") throw new Error(`a ${resource.kind} needs a name, and it is empty`);
  const tail = subresource === undefined ? "" : `/${subresource}`;
  return `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}${tail}`;
}
