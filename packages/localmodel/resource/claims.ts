/**
 * Who holds a model id when several LocalModels claim it: the older one keeps it.
 *
 * Ids, aliases and adapters' ids count alike. A model that loses an id keeps its others, and is told who holds it. Of
 * whom it is not known that it may have an id, the age counts for nothing: whoever may have it comes before.
 */
export type Ids = {
  readonly modelId: string;
  readonly aliases: readonly string[];
  readonly adapterIds?: readonly string[];
  /** Those of them that its class does not let it have. */
  readonly refused?: readonly string[];
};

export type Claimant = Ids & {
  /** `namespace/name`. */
  readonly key: string;
  /** When the object was created or first seen. Absent: after all that say so. */
  readonly createdMs?: number;
  /** Ids that it only has as long as nobody claims them who may have them. */
  readonly yields?: readonly string[];
};

export type Lost = { readonly id: string; readonly holder: string };
export type Claim = {
  readonly key: string;
  /** Ids it answers to: the model id, aliases, adapters' ids. */
  readonly held: readonly string[];
  /** Ids that an older LocalModel holds. */
  readonly lost: readonly Lost[];
};

/**
 * What is left to a model and what to its adapters: requests for an adapter's id are answered with it. An id that is
 * the model's as well means the model.
 */
export function sharesOf(
  { modelId, aliases, adapterIds = [] }: Ids,
  { held }: Pick<Claim, "held">,
): { readonly ids: readonly string[]; readonly adapterIds: readonly string[] } {
  const own = new Set([modelId, ...aliases]);
  return {
    ids: held.filter((id) => own.has(id)),
    adapterIds: held.filter((id) => !own.has(id) && adapterIds.includes(id)),
  };
}

/** One claim for each claimant, in their order, which also decides between equal ages. */
export function claims(claimants: readonly Claimant[]): Claim[] {
  const holders = new Map<string, string>();
  const inTurn = claimants.toSorted(byAge);
  for (const { key, ids } of [...inTurn.map(certainOf), ...inTurn.map(claimOf)]) {
    for (const id of ids) if (!holders.has(id)) holders.set(id, key);
  }
  return claimants.map((claimant) => {
    const { key } = claimant;
    const ids = claimedBy(claimant);
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

function claimOf(claimant: Claimant): { readonly key: string; readonly ids: readonly string[] } {
  return { key: claimant.key, ids: claimedBy(claimant) };
}

function certainOf(claimant: Claimant): ReturnType<typeof claimOf> {
  const { yields = [] } = claimant;
  return { key: claimant.key, ids: claimedBy(claimant).filter((id) => !yields.includes(id)) };
}

/** Every id that it claims, the model's first. */
export function claimedBy({
  modelId,
  aliases,
  adapterIds = [],
  refused = [],
}: Ids): readonly string[] {
  return [...new Set([modelId, ...aliases, ...adapterIds])].filter((id) => !refused.includes(id));
}

function byAge(a: Claimant, b: Claimant): number {
  const ages = [a.createdMs ?? Infinity, b.createdMs ?? Infinity] as const;
  return ages[0] === ages[1] ? 0 : ages[0] - ages[1];
}
