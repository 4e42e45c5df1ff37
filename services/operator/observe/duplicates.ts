/**
 * Ids that several LocalModels claim: the older one has them (claims.ts), the others are told.
 *
 * A LocalModel that has lost all its ids could not be asked by anybody, so it gets no pods. One that keeps
 * an alias serves under it. When the holder goes, the next in age takes over by itself.
 */
import type { ObjectCache } from "@localmodel/kube/cache/object-cache.ts";
import { keyOf } from "@localmodel/kube/objects/objects.ts";
import { type Claim, claimedBy, claims, type Ids } from "@localmodel/localmodel/resource/claims.ts";
import type { StoredModel } from "../model/local-model-resource.ts";
import type { IdRights } from "../model/model-class.ts";
import type { Model } from "../model/model.ts";
import type { Problem } from "../status/problem.ts";

export const ID_INDEX = "id";

/** Read leniently: an id counts although something else in the spec may be wrong. */
export function idsOf({
  metadata,
  spec,
  status,
}: StoredModel): Ids & { readonly allowedIds: readonly string[] } {
  const { modelId, aliases, adapters } = (spec ?? {}) as Readonly<Record<string, unknown>>;
  return {
    modelId: typeof modelId === "string" ? modelId : metadata.name,
    aliases: stringsIn(aliases),
    adapterIds: Array.isArray(adapters)
      ? stringsIn(adapters.map((one: { id?: unknown } | null) => one?.id))
      : [],
    allowedIds: stringsIn(status?.allowedIds),
  };
}

function stringsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

export function allIdsOf(stored: StoredModel): readonly string[] {
  return claimedBy(idsOf(stored));
}

/** Every LocalModel that claims one of the ids, the object itself included. */
export function claimants(
  stored: StoredModel,
  caches: readonly ObjectCache<StoredModel>[],
): readonly StoredModel[] {
  const found = allIdsOf(stored).flatMap((id) =>
    caches.flatMap((cache) => cache.find(ID_INDEX, id)),
  );
  return [...new Set(found)];
}

/**
 * Who else claims an id decides alone, so the others need not be looked at. What they may have is asked of their classes:
 * their statuses tell of what they claimed before.
 */
export function claimOf(
  stored: StoredModel,
  caches: readonly ObjectCache<StoredModel>[],
  rightsOf: (one: StoredModel) => IdRights,
): Pick<Claim, "held" | "lost"> {
  const key = keyOf(stored.metadata);
  const others = claimants(stored, caches).filter(({ metadata }) => keyOf(metadata) !== key);
  const all = [...others, stored]
    .map((one) => ({
      key: keyOf(one.metadata),
      ...idsOf(one),
      ...createdMsOf(one),
      ...rightsOf(one),
    }))
    // Equal ages are decided by order, which the api makes the same.
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  return claims(all).find((claim) => claim.key === key) ?? { held: [], lost: [] };
}

function createdMsOf({ metadata }: StoredModel): { readonly createdMs?: number } {
  const createdMs = Date.parse(metadata.creationTimestamp ?? "");
  return Number.isNaN(createdMs) ? {} : { createdMs };
}

export function duplicateProblem({ modelId, claim }: Model): Problem | undefined {
  const lost = claim.lost.find(({ id }) => id === modelId);
  if (lost === undefined) return undefined;
  const { held } = claim;
  const left = held.length === 0 ? "It is not served" : `It only answers as ${held.join(", ")}`;
  const message =
    `The model id "${modelId}" belongs to the older LocalModel ${lost.holder}. ${left}. ` +
    "Give one of the two another spec.modelId.";
  return { stage: "spec", reason: "DuplicateModelId", message, waits: false };
}

export function duplicateNotes({ modelId, spec, claim }: Model): readonly string[] {
  const kindOf = (id: string): string => (spec.aliases.includes(id) ? "alias" : "adapter's id");
  return claim.lost
    .filter(({ id }) => id !== modelId)
    .map(
      ({ id, holder }) => `The ${kindOf(id)} "${id}" belongs to the older LocalModel ${holder}.`,
    );
}
