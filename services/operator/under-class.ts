/**
 * A LocalModel as its class has it: what the class gives, what it does not let the LocalModel do, and which ids it may have.
 *
 * Classes and other LocalModels are read from the caches at each pass. Statuses count for nothing here but where a class is
 * missing: they tell of a spec that may have changed since.
 */
import { claimedBy } from "@localmodel/localmodel/resource/claims.ts";
import type { LocalModelSpec } from "@localmodel/localmodel/resource/localmodel.ts";
import { cappedBy, classProblem, idRights } from "./decide/class-rules.ts";
import type { StoredModel } from "./model/local-model-resource.ts";
import { type IdRights, withClass } from "./model/model-class.ts";
import { identityOf, type Model } from "./model/model.ts";
import type { Platform } from "./model/platform.ts";
import { specDigest } from "./model/spec-digest.ts";
import type { Caches } from "./observe/caches.ts";
import { askedBefore, classOf, type KnownClasses } from "./observe/classes.ts";
import { claimOf, idsOf } from "./observe/duplicates.ts";
import type { Problem } from "./status/problem.ts";

export type UnderClass = {
  readonly model: Model;
  /** As the class makes it. */
  readonly platform: Platform;
  readonly classProblem?: Problem;
  /** That it asks for more than its class leaves it. */
  readonly overQuota?: Problem;
};

type Known = KnownClasses & Pick<Caches, "modelCaches">;

export function underClass(
  { caches, platform }: { readonly caches: Known; readonly platform: () => Platform },
  stored: StoredModel,
  { spec, ignored }: { readonly spec: LocalModelSpec; readonly ignored: readonly string[] },
): UnderClass {
  const identity = identityOf(stored);
  const ids = idsOf(stored);
  const found = classOf(stored, caches);
  const own: Model = {
    ...identity,
    spec,
    specDigest: specDigest(spec),
    ignored,
    modelId: ids.modelId,
    claim: claimOf(stored, caches.modelCaches, (one) => rightsOf(one, caches)),
    ...statusIds(stored, caches),
  };

  const asked = () => askedBefore(stored, caches.modelCaches);
  const capped = cappedBy(found, asked);
  const refusal = classProblem({ ...ids, ...identity, spec }, found);
  const problem = refusal ?? (capped?.replicas === 0 ? capped.problem : undefined);
  const merged =
    found.kind === "found"
      ? withClass(own, platform(), found.spec)
      : { model: own, platform: platform() };
  const room = capped && { roomForReplicas: capped.replicas };
  return {
    ...merged,
    model: { ...merged.model, ...(problem === undefined && room) },
    ...(problem && { classProblem: problem }),
    ...(capped && { overQuota: capped.problem }),
  };
}

/** What its status says of its ids, for the API service, which knows no classes. */
export function statusIds(
  stored: StoredModel,
  caches: Known,
): Required<Pick<Model, "allowedIds" | "refusedIds">> {
  const { refused, yields } = rightsOf(stored, caches);
  const allowedIds = claimedBy({ ...idsOf(stored), refused: [...refused, ...yields] });
  return { allowedIds, refusedIds: refused };
}

function rightsOf(stored: StoredModel, caches: Known): IdRights {
  const { namespace = "" } = stored.metadata;
  return idRights({ ...idsOf(stored), namespace }, classOf(stored, caches));
}
