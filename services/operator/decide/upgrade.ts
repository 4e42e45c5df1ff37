/**
 * When a model's pods follow a new version of the platform: not all at once.
 *
 * The first one tries it out alone. Only when it serves do others follow, so many at a time; one that does not become
 * ready keeps its place, so that a version that is no good stops by itself. It says nothing of a version that pods find no
 * node, or are paused: nobody waits for that, and as long as another can, a model that lacks pods already does not try. A
 * change that the author of a model made does not wait, and neither does a model that serves nobody: it has nothing to
 * lose.
 */
import type { Deployment } from "@localmodel/kube/objects/core-resources.ts";
import {
  type FleetMember,
  GENERATION_ANNOTATION,
  PLATFORM_ANNOTATION,
  ROLLED_FOR_ANNOTATION,
  SPEC_ANNOTATION,
  UPGRADE,
} from "../model/fleet.ts";
import type { Model } from "../model/model.ts";
import { deployedRevision } from "../status/situation.ts";

export type Fleet = {
  readonly members: readonly FleetMember[];
  /** How many models may roll for an upgrade at the same time, to whatever version of the platform. */
  readonly maxRolling: number;
};

export type Turn =
  /** No upgrade, or none that anybody would notice. */
  | { readonly kind: "none" }
  | { readonly kind: "go" }
  /** For how many others, and whether none has served with the new version yet. */
  | { readonly kind: "wait"; readonly models: number; readonly isTrial: boolean };

type Annotations = Readonly<Record<string, string>>;

type Wanted = { readonly revision: string | undefined; readonly platform: string };

/** Whether it is the platform alone that wants other pods, and the model has some that serve. */
export function isUpgrade(
  model: Model,
  deployment: Deployment | undefined,
  { revision, platform }: Wanted,
): boolean {
  if (deployment === undefined || deployedRevision(deployment) === revision) return false;
  const { annotations = {} } = deployment.metadata;
  return isOfSpec(model, annotations) && annotations[PLATFORM_ANNOTATION] !== platform;
}

/**
 * Whether its author has changed nothing since but the number of its pods: whoever scales a model makes a new generation of
 * it as well. Deployments of an operator of a version before tell the generation alone.
 */
function isOfSpec(
  { generation, specDigest }: Model,
  { [GENERATION_ANNOTATION]: deployed, [SPEC_ANNOTATION]: spec }: Annotations,
): boolean {
  if (deployed === undefined || deployed === String(generation)) return true;
  return spec !== undefined && spec === specDigest;
}

/**
 * A version of the platform is one for each class and image; an upgrade of the operator makes as many new ones. They are
 * tried one after the other, and all models that roll count together.
 */
export function turnOf(key: string, platform: string, { members, maxRolling }: Fleet): Turn {
  const own = members.find((member) => member.key === key);
  if (own?.serves !== true) return { kind: "none" };
  const others = members.filter((member) => member.key !== key);
  const served = new Set(members.filter(hasServed).map((member) => member.platform));
  const isTrial = !served.has(platform);
  const rolling = others.filter(isRolling);
  const trials = rolling.filter((member) => !served.has(member.platform));
  if (isTrial && trials.length > 0) return { kind: "wait", models: trials.length, isTrial };
  const models = rolling.length === 0 ? 0 : rolling.length + others.filter(lostItsPlace).length;
  if (models >= maxRolling) return { kind: "wait", models, isTrial: false };
  const isForAnother =
    isTrial && !own.isComplete && others.some((one) => mayTry(one, own, platform));
  return isForAnother ? { kind: "wait", models: 1, isTrial } : { kind: "go" };
}

function isRolling(member: FleetMember): boolean {
  return isUnderWay(member) && !member.isStuck;
}

/** What its old pod gave up may have gone to another that rolls, whose old pod gives it up in turn. */
function lostItsPlace(member: FleetMember): boolean {
  return isUnderWay(member) && member.isStuck && !member.serves;
}

/** One that is to follow another version by now, or none, shows nothing more of the one that it rolls to. */
function isUnderWay({
  platform,
  aim,
  isUpgrade: rolls,
  isComplete,
  isPaused,
}: FleetMember): boolean {
  const isAtIt = aim === undefined || (aim !== "nothing" && aim.platform === platform);
  return rolls && isAtIt && !isComplete && !isPaused;
}

/** Whether it shows that its version serves. What is paused or finds no node comes to no end that would show more. */
function hasServed({ serves, updatedServes, isComplete, isPaused, isStuck }: FleetMember): boolean {
  return isComplete ? serves : updatedServes && (isPaused || isStuck);
}

/** Before it is known what another is to follow, that is taken to be the same as for who is like it. */
function mayTry(one: FleetMember, own: FleetMember, platform: string): boolean {
  if (!one.isComplete || !one.serves || one.platform === platform) return false;
  if (one.aim === undefined) return one.platform === own.platform && !one.isPaused;
  return one.aim !== "nothing" && one.aim.platform === platform;
}

/** The reason stays until there is another one. */
export function wasUpgrade(
  model: Model,
  deployment: Deployment | undefined,
  platform: string,
): boolean {
  const annotations = deployment?.metadata.annotations ?? {};
  return (
    annotations[ROLLED_FOR_ANNOTATION] === UPGRADE &&
    annotations[PLATFORM_ANNOTATION] === platform &&
    isOfSpec(model, annotations)
  );
}
