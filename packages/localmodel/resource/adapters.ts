/** Adapters that clients choose: each has an id of its own beside the model's. Weights and slots are there once for all. */

type Adapted = { readonly adapters?: readonly { readonly id?: string }[] };

export function adapterIdsOf({ adapters = [] }: Adapted): readonly string[] {
  return adapters.flatMap(({ id }) => id ?? []);
}
