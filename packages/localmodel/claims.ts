/**
 * Who holds a model id when several LocalModels claim it: the older one keeps it.
 *
 * Ids and aliases count alike. A model that loses an id keeps its others, and is told who holds it.
 */
export type Claimant = {
  /** `namespace/name`. */
  readonly key: string;
  readonly modelId: string;
  readonly aliases: readonly string[];
  /** When the object was created or first seen. Absent: after all that say so. */
  readonly createdMs?: number;
};

export type Lost = { readonly id: string; readonly holder: string };
export type Claim = {
  readonly key: string;
  /** Ids it answers to, the model id before the aliases. */
  readonly held: readonly string[];
  /** Ids that an older LocalModel holds. */
  readonly lost: readonly Lost[];
};

/** One claim for each claimant, in their order, which also decides between equal ages. */
export function claims(claimants: readonly Claimant[]): Claim[] {
  const holders = new Map<string, string>();
  for (const { key, modelId, aliases } of claimants.toSorted(byAge)) {
    for (const id of [modelId, ...aliases]) {
      if (!holders.has(id)) holders.set(id, key);
    }
  }
  return claimants.map(({ key, modelId, aliases }) => {
    const ids = [...new Set([modelId, ...aliases])];
    return {
      key,
      held: ids.filter((id) => holders.get(id) === key),
      lost: ids.flatMap((id) => {
        const holder = holders.get(id);
        return holder === undefined || holder === key ? [] : [{ id, holder }];
      }),
    };
  });
}

function byAge(a: Claimant, b: Claimant): number {
  const ages = [a.createdMs ?? Infinity, b.createdMs ?? Infinity] as const;
  return ages[0] === ages[1] ? 0 : ages[0] - ages[1];
}
