/**
 * Adapters that clients choose: each has an id of its own, and a context in the engine beside the model's, because
 * llama.cpp applies adapters to all of a context. The weights are loaded once.
 */

type Adapted = { readonly adapters?: readonly { readonly id?: string }[] };

export function adapterIdsOf({ adapters = [] }: Adapted): readonly string[] {
  return adapters.flatMap(({ id }) => id ?? []);
}

/** That an engine holds: the model's own, and one for each adapter that clients choose. */
export function contextsOf(adapted: Adapted): number {
  return 1 + adapterIdsOf(adapted).length;
}
