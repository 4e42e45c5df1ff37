/**
 * Which objects are meant: one kind, perhaps of one namespace, perhaps only those a selector fits.
 */
import type { KubeObject } from "./objects.ts";
import { apiVersionOf, type Resource } from "./resource.ts";

export type Scope<T extends KubeObject = KubeObject> = {
  readonly resource: Resource<T>;
  /** Default: all. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
};

/** Lists leave out what all their items have in common; alone, an object should say what it is. */
export function withKind<T extends KubeObject>(object: T, resource: Resource<T>): T {
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object };
}

/** For log lines and error messages. */
export function scopeText({ resource, namespace, labelSelector, fieldSelector }: Scope): string {
  const group = resource.group === "" ? "" : `.${resource.group}`;
  const where = namespace === undefined ? "" : ` in ${namespace}`;
  const selectors = [labelSelector, fieldSelector].filter((selector) => selector !== undefined);
  const which = selectors.length === 0 ? "" : ` with ${selectors.join(" and ")}`;
  return `${resource.plural}${group}${where}${which}`;
}
