/** What a class does not let a LocalModel do, in words. Pure. */
import type { LocalModelClassSpec } from "@localmodel/localmodel/resource/class-spec.ts";
import { claimedBy, type Ids } from "@localmodel/localmodel/resource/claims.ts";
import type { LocalModelSpec } from "@localmodel/localmodel/resource/localmodel.ts";
import type { ConditionReason } from "@localmodel/localmodel/cluster/condition-reasons.ts";
import type { Asked, ClassFound } from "../model/model-class.ts";
import { fits } from "../model/wildcard.ts";
import type { Problem } from "../status/problem.ts";

type Member = Ids & {
  readonly namespace: string;
  readonly spec: Pick<LocalModelSpec, "imageUrls">;
};

const LEFT = "Until then what serves already is left as it is.";

/** What older LocalModels of the class and the namespace ask for, and what this one does. */
type AskedOf = { readonly before: Asked; readonly own: Asked };

/** `asked`: counted over all LocalModels, so only where there is a quota. */
export function classProblem(
  member: Member,
  found: ClassFound,
  asked: () => AskedOf,
): Problem | undefined {
  if (found.kind === "none") return undefined;
  const { name } = found;
  if (found.kind === "missing") {
    return refused("ClassMissing", `There is no LocalModelClass "${name}": ${found.why}. ${LEFT}`);
  }
  const { namespace, spec } = member;
  const { allowedNamespaces, quota, imageHosts } = found.spec;
  if (!allowedNamespaces.some((pattern) => fits(pattern, namespace))) {
    const message = `The LocalModelClass "${name}" is not for the namespace ${namespace}: name another in spec.className. ${LEFT}`;
    return refused("ClassForbidden", message);
  }
  const [id] = refusedIds(member, found);
  if (id !== undefined) {
    const allowed = (found.spec.modelIds ?? []).join(", ");
    const message = `The LocalModelClass "${name}" does not let ${namespace} claim the id "${id}", but ${allowed}. ${LEFT}`;
    return refused("ClassForbidden", message);
  }
  const host = spec.imageUrls?.allowedHosts.find(
    (one) => imageHosts !== undefined && !imageHosts.some((pattern) => fits(pattern, one)),
  );
  if (host !== undefined) {
    const message = `The LocalModelClass "${name}" does not allow spec.imageUrls to name ${host}. ${LEFT}`;
    return refused("ClassForbidden", message);
  }
  return quota && overQuota(name, quota, asked());
}

/** Ids that the LocalModel claims and its class does not let it have: it holds none of them, however old it is. */
export function refusedIds(
  member: Ids & { readonly namespace: string },
  found: ClassFound,
): readonly string[] {
  if (found.kind !== "found" || found.spec.modelIds === undefined) return [];
  const patterns = found.spec.modelIds.map((one) =>
    one.replaceAll("{namespace}", member.namespace),
  );
  return claimedBy({ ...member, refused: [] }).filter(
    (id) => !patterns.some((pattern) => fits(pattern, id)),
  );
}

function overQuota(
  name: string,
  quota: NonNullable<LocalModelClassSpec["quota"]>,
  { before, own }: AskedOf,
): Problem | undefined {
  for (const what of ["replicas", "devices"] as const) {
    const limit = quota[what];
    if (limit === undefined || own[what] === 0 || before[what] + own[what] <= limit) continue;
    const message =
      `The LocalModelClass "${name}" gives ${limit} ${what} to a namespace: older LocalModels ask for ` +
      `${before[what]} of them, and this one for ${own[what]}. Ask for less, or have the quota raised. ${LEFT}`;
    return { stage: "schedule", reason: "QuotaExceeded", message, waits: false };
  }
  return undefined;
}

function refused(reason: ConditionReason, message: string): Problem {
  return { stage: "spec", reason, message, waits: false };
}
