/**
 * Tools that a client groups under a name, as Codex does: to a model they are functions like others, named by both names.
 * Calls say the two apart again.
 */

const BETWEEN = "__";

export type NamespacedName = { readonly name: string; readonly namespace?: string };

/** What the model calls it. */
export function flatName({ name, namespace }: NamespacedName): string {
  return namespace === undefined ? name : `${namespace}${BETWEEN}${name}`;
}
