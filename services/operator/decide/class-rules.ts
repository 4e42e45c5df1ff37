/** What a class does not let a LocalModel do, in words. Pure. */
import { claimedBy, type Ids } from "@localmodel/localmodel/resource/claims.ts";
import type { LocalModelSpec } from "@localmodel/localmodel/resource/localmodel.ts";
import type { ConditionReason } from "@localmodel/localmodel/cluster/condition-reasons.ts";
import type { Asked, ClassFound, IdRights } from "../model/model-class.ts";
import { mebibytes, quantityValue } from "../objects/quantities.ts";
import { fits } from "../model/wildcard.ts";
import type { Problem } from "../status/problem.ts";

type Member = Ids & {
  readonly namespace: string;
  readonly spec: Pick<LocalModelSpec, "gpu" | "imageUrls">;
};

type Found = Extract<ClassFound, { kind: "found" }>;

const LEFT = "Until then what serves already is left as it is.";

/** What older LocalModels of the class and the namespace ask for, and what this one does. */
type AskedOf = { readonly before: Asked; readonly own: Asked };

export function classProblem(member: Member, found: ClassFound): Problem | undefined {
  if (found.kind === "none") return undefined;
  const { name } = found;
  if (found.kind === "missing") {
    return refused("ClassMissing", `${found.why} ${LEFT}`);
  }
  const { namespace, spec } = member;
  const { imageHosts } = found.spec;
  if (!isFor(namespace, found)) {
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
  return uncounted(spec, found);
}

/** How many devices a claim asks for, and of which memory, only its template knows, which may change. */
function uncounted({ gpu }: Member["spec"], { name, spec }: Found): Problem | undefined {
  const { devices, deviceMemory } = spec.quota ?? {};
  const limit = devices === undefined ? deviceMemory && `${deviceMemory} of` : String(devices);
  if (gpu === undefined || limit === undefined) return undefined;
  const template = gpu.resourceClaimTemplateName;
  if (template === undefined) return unsized(gpu, { name, spec });
  const message =
    `The LocalModelClass "${name}" gives ${limit} devices to a namespace, and nobody counts those that the ` +
    `ResourceClaimTemplate "${template}" claims: ask for them by spec.gpu.count, or name a class that does not count devices. ${LEFT}`;
  return refused("ClassForbidden", message);
}

function unsized(
  { count, memory }: NonNullable<Member["spec"]["gpu"]>,
  { name, spec }: Pick<Found, "name" | "spec">,
): Problem | undefined {
  const limit = spec.quota?.deviceMemory;
  if (limit === undefined || memory !== undefined || count === 0) return undefined;
  const message = `The LocalModelClass "${name}" gives ${limit} of devices' memory to a namespace: say in spec.gpu.memory how much of it each device needs. ${LEFT}`;
  return refused("ClassForbidden", message);
}

type Claiming = Ids & {
  readonly namespace: string;
  /** Ids that it might have when its status was written. */
  readonly allowedIds: readonly string[];
};

/**
 * Ids that its class refuses a LocalModel it never holds, however old it is. Where its class is not there, or not for its
 * namespace, it keeps those that it had, and yields others: what serves is left as it is, and nobody gets rid of a class
 * by naming none that there is.
 */
export function idRights(member: Claiming, found: ClassFound): IdRights {
  const { namespace, allowedIds } = member;
  const isSure = found.kind === "none" || (found.kind === "found" && isFor(namespace, found));
  const yields = isSure ? [] : claimedBy(member).filter((id) => !allowedIds.includes(id));
  return { refused: refusedIds(member, found), yields };
}

function isFor(namespace: string, { spec }: Found): boolean {
  return spec.allowedNamespaces.some((pattern) => fits(pattern, namespace));
}

function refusedIds(member: Omit<Claiming, "allowedIds">, found: ClassFound): readonly string[] {
  if (found.kind !== "found" || found.spec.modelIds === undefined) return [];
  const patterns = found.spec.modelIds.map((one) =>
    one.replaceAll("{namespace}", member.namespace),
  );
  return claimedBy(member).filter((id) => !patterns.some((pattern) => fits(pattern, id)));
}

/** What a quota leaves to a LocalModel that asks for more: nothing, or some of its replicas. */
type Capped = { readonly replicas: number; readonly problem: Problem };

/** Undefined where all that it asks for is left. `asked`: counted over all LocalModels, so only where there is a quota. */
export function cappedBy(found: ClassFound, asked: () => AskedOf): Capped | undefined {
  if (found.kind !== "found" || found.spec.quota === undefined) return undefined;
  const { name } = found;
  const { replicas: pods, devices: count, deviceMemory } = found.spec.quota;
  const { before, own } = asked();
  const memory = deviceMemory === undefined ? undefined : quantityValue(deviceMemory);
  const limits = { replicas: pods, devices: count, deviceMemory: memory };
  const [worst] = (["replicas", "devices", "deviceMemory"] as const)
    .flatMap((what) => leftOf(what, limits[what], { before, own }))
    .toSorted((a, b) => a.replicas - b.replicas);
  if (worst === undefined || worst.replicas >= own.replicas) return undefined;
  const { what, limit, replicas } = worst;
  const left = replicas === 0 ? LEFT : `Until then it has ${replicas} of ${own.replicas} replicas.`;
  const say = (amount: number): string =>
    what === "deviceMemory" ? mebibytes(amount) : String(amount);
  const [things, theirs] = THINGS[what];
  const message =
    `The LocalModelClass "${name}" gives ${say(limit)} ${things} to a namespace: older LocalModels ask for ` +
    `${say(before[what])} of ${theirs}, and this one for ${say(own[what])}. Ask for less, or have the quota raised. ${left}`;
  return {
    replicas,
    problem: { stage: "schedule", reason: "QuotaExceeded", message, waits: false },
  };
}

const THINGS: Readonly<Record<keyof Asked, readonly [things: string, theirs: string]>> = {
  replicas: ["replicas", "them"],
  devices: ["devices", "them"],
  deviceMemory: ["of devices' memory", "it"],
};

function leftOf(what: keyof Asked, limit: number | undefined, { before, own }: AskedOf) {
  if (limit === undefined || own[what] === 0) return [];
  const each = own[what] / own.replicas;
  // Sums of binary fractions of a quantity are exact enough for whole replicas.
  const replicas = Math.max(0, Math.floor((limit - before[what]) / each + 1e-9));
  return [{ what, limit, replicas }];
}

function refused(reason: ConditionReason, message: string): Problem {
  return { stage: "spec", reason, message, waits: false };
}
