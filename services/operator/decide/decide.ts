/**
 * The decision of a pass: what to write and what to take away, from what is asked for and what is there.
 *
 * Pure. Four cases, in this order:
 *   hold     the model cannot be served as it is written: what serves already is left alone
 *   inspect  nothing is known of its weights: an inspect pod finds out, what serves is left alone
 *   fill     its cache is filled before its pods ask for devices (fill.ts), what serves is left alone
 *   serve    everything else, suspended models included
 */
import {
  DEPLOYMENTS,
  PERSISTENT_VOLUME_CLAIMS,
  PODS,
} from "@localmodel/kube/objects/core-resources.ts";
import { type KubeObject, keyOf } from "@localmodel/kube/objects/objects.ts";
import { apiVersionOf, type Resource } from "@localmodel/kube/objects/resource.ts";
import { desiredObjects, type DesiredObject } from "./desired.ts";
import type { CacheUse } from "../model/cache-use.ts";
import type { Downloads } from "../model/downloads.ts";
import { type Fill, fillStep, isBefore } from "./fill.ts";
import { type KnownInspection, knownInspection, needsInspection } from "./inspection.ts";
import type { Aim } from "../model/fleet.ts";
import { type Model, wantedReplicas } from "../model/model.ts";
import { REVISION_ANNOTATION } from "../objects/metadata.ts";
import { platformRevision } from "../objects/platform-revision.ts";
import { podTemplate } from "../objects/pod-template.ts";
import { type Fleet, isUpgrade, type Turn, turnOf, wasUpgrade } from "./upgrade.ts";
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import type { Observed, OwnedObject } from "../model/observed.ts";
import type { Platform } from "../model/platform.ts";
import type { DeploymentParts } from "../objects/deployment.ts";
import { LOOK_AGAIN_MS, rollStep } from "./roll-step.ts";
import { bringsNode, type Room } from "./room.ts";
import { leavingPods, type PodLoads, scaleIn } from "./scale-in.ts";
import type { Problem } from "../status/problem.ts";
import { deployedRevision } from "../status/situation.ts";
import { unsupported } from "./unsupported.ts";

/** Nobody tells what is said of a claim. */
const CLAIM_AGAIN_MS = 2000;

export type Decision = {
  readonly kind: "hold" | "inspect" | "fill" | "serve";
  readonly blocker?: Problem;
  readonly inspection?: KnownInspection;
  /** Of the pods that are asked for. */
  readonly revision?: string;
  readonly applies: readonly DesiredObject[];
  readonly deletes: readonly OwnedObject[];
  /** Of its cache. */
  readonly fill?: Fill;
  /** Pods that are to go before others of their kind, and do not say so yet. */
  readonly marks?: readonly Pod[];
  /** Pods that say so and are to stay. */
  readonly unmarks?: readonly Pod[];
  /** Names of pods that are to become idle, and go then. */
  readonly leaving?: readonly string[];
  /** An image comes to a node before an old pod goes; the pod that pulls it, once there is one. */
  readonly pulls?: { readonly pod: Pod | undefined };
  /** What its pods are to follow; absent where they stay as they are. */
  readonly aim?: Aim;
  /** The version of the platform that its pods begin to follow. */
  readonly begins?: string;
  /** Whom its pods wait for before they follow a new version of the platform. */
  readonly turn?: Turn;
  /** What a roll that found no room comes to. */
  readonly room?: Room;
  /** A node autoscaler is at work for its pods. */
  readonly bringsNode?: boolean;
  /** For a Deployment that otherwise stays as it is. */
  readonly scalesTo?: number;
  /** When to look again although nothing changes. */
  readonly againInMs?: number;
};

/** Of the operator, besides what concerns this model. */
type Moment = {
  readonly nowMs: number;
  readonly fleet: Fleet;
  readonly downloads: Downloads;
  /** What of its cache has to stay, where that can be told. */
  readonly cacheUse?: CacheUse;
  /** Requests at each of its pods, by name. */
  readonly podLoads?: PodLoads;
  /** What its class does not let it do. */
  readonly refusal?: Problem;
};

export function decide(
  model: Model,
  platform: Platform,
  observed: Observed,
  moment: Moment,
): Decision {
  const blocker = moment.refusal ?? unsupported(model, platform);
  if (blocker !== undefined) return held(model, observed, blocker);
  const inspection = knownInspection(model, observed);
  if (inspection === undefined && needsInspection(model, platform)) {
    const applies = desiredObjects(model, platform, { phase: "inspect" });
    const deletes = unwanted(model, observed, applies);
    return { kind: "inspect", applies, deletes, ...rescaled(model, observed) };
  }
  const known = inspection && { inspection };
  return { ...serving(model, platform, { observed, inspection, ...moment }), ...known };
}

/** Fewer pods may be asked for whatever else is wrong, none included. */
function held(model: Model, observed: Observed, blocker: Problem): Decision {
  const isFewer = wantedReplicas(model) < (observed.deployment?.spec?.replicas ?? 0);
  const { scalesTo } = isFewer ? rescaled(model, observed) : {};
  return {
    kind: "hold",
    blocker,
    applies: [],
    deletes: [],
    ...(scalesTo !== undefined && { scalesTo }),
  };
}

type Situation = Moment & {
  readonly observed: Observed;
  readonly inspection: KnownInspection | undefined;
};

function serving(model: Model, platform: Platform, situation: Situation): Decision {
  const { observed, inspection, fleet, nowMs, downloads, cacheUse } = situation;
  const template = podTemplate(model, platform, inspection);
  const revision = template.metadata.annotations[REVISION_ANNOTATION];
  const wanted = { revision, platform: platformRevision(model, platform) };
  const isNewer = isUpgrade(model, observed.deployment, wanted);
  const given = { observed, nowMs, downloads, cacheUse, revision, inspection, isUpgrade: isNewer };
  const fill = fillStep(model, platform, given);
  if (isBefore(fill, model)) return filling(model, platform, { observed, nowMs, revision, fill });
  const turn: Turn = isNewer ? turnOf(keyOf(model), wanted.platform, fleet) : { kind: "none" };
  const { paused } = model.spec.rollout;
  const aim: Aim = paused ? "nothing" : { platform: wanted.platform };
  if (turn.kind === "wait" || (isNewer && paused)) {
    return { ...waitingForTurn(model, platform, observed, { turn, fill }), aim };
  }
  const roll = rolling(model, platform, situation, {
    template,
    revision,
    fill,
    platform: wanted.platform,
    isUpgrade: turn.kind === "go" || wasUpgrade(model, observed.deployment, wanted.platform),
    begins: turn.kind === "go",
  });
  return { ...roll, aim };
}

type Roll = Pick<DeploymentParts, "template" | "platform" | "isUpgrade"> & {
  readonly revision: string | undefined;
  readonly fill: Fill;
  readonly begins: boolean;
};

function rolling(
  model: Model,
  platform: Platform,
  { observed, nowMs, podLoads }: Situation,
  { revision, fill, begins, ...parts }: Roll,
): Decision {
  const { pull, makesRoom, isHeld, ...step } = rollStep(model, platform, {
    observed,
    nowMs,
    revision,
  });
  const objects = desiredObjects(model, platform, { phase: "serve", ...parts, makesRoom });
  const applies = [
    ...objects.filter(({ resource }) => !isHeld || resource !== DEPLOYMENTS),
    ...(pull.kind === "known" ? [] : [{ resource: PODS, configuration: pull.configuration }]),
    ...besides(fill),
  ];
  return {
    kind: "serve",
    fill,
    ...(revision !== undefined && { revision }),
    ...step,
    ...goingFirst(step.marks, scaleIn(model, observed, { revision, ...podLoads })),
    leaving: leavingPods(model, observed, { revision, ...podLoads }),
    applies,
    deletes: unwanted(model, observed, applies),
    ...(isHeld && rescaled(model, observed)),
    ...(begins && { begins: parts.platform }),
    ...(pull.kind === "pulling" && { pulls: { pod: pull.pod } }),
  };
}

/** Those that make room in a roll are not to be kept from it. */
function goingFirst(
  roll: readonly Pod[],
  { marks, unmarks }: ReturnType<typeof scaleIn>,
): Pick<Decision, "marks" | "unmarks"> {
  return { marks: [...roll, ...marks], unmarks };
}

/** What serves stays as it is, however many pods of it are asked for. */
function waitingForTurn(
  model: Model,
  platform: Platform,
  observed: Observed,
  { turn, fill }: { readonly turn: Turn; readonly fill: Fill },
): Decision {
  const applies = [...desiredObjects(model, platform, { phase: "wait" }), ...besides(fill)];
  const revision = deployedRevision(observed.deployment);
  return {
    kind: "serve",
    fill,
    ...(revision !== undefined && { revision }),
    applies,
    deletes: unwanted(model, observed, applies),
    ...rescaled(model, observed),
    turn,
    againInMs: LOOK_AGAIN_MS,
  };
}

type Filling = Pick<Situation, "observed" | "nowMs"> & {
  readonly revision: string | undefined;
  readonly fill: Fill;
};

/** Pods of the version before go on, as many as are asked for; there are none yet of the one that waits. */
function filling(
  model: Model,
  platform: Platform,
  { observed, nowMs, revision, fill }: Filling,
): Decision {
  const applies = [...desiredObjects(model, platform, { phase: "wait" }), ...besides(fill)];
  const serves = (observed.deployment?.spec?.replicas ?? 0) > 0;
  const isOld = deployedRevision(observed.deployment) !== revision;
  return {
    kind: "fill",
    fill,
    applies,
    deletes: unwanted(model, observed, applies),
    ...(serves && isOld && rescaled(model, observed)),
    bringsNode: bringsNode(observed.waiting, nowMs),
    againInMs: fill.kind === "claim" ? CLAIM_AGAIN_MS : LOOK_AGAIN_MS,
  };
}

function besides(fill: Fill): readonly DesiredObject[] {
  const configuration = "configuration" in fill ? fill.configuration : undefined;
  return configuration === undefined ? [] : [{ resource: PODS, configuration }];
}

/** All else goes with its LocalModel, so the operator needs no right to delete it. */
const DELETED: readonly Resource[] = [PERSISTENT_VOLUME_CLAIMS, PODS];

/** Only what belongs to this very LocalModel, and not to an earlier one of its name. */
function unwanted(
  { uid }: Model,
  { objects }: Observed,
  wanted: readonly DesiredObject[],
): readonly OwnedObject[] {
  const ids = new Set(wanted.map(({ resource, configuration }) => idOf(resource, configuration)));
  return objects.filter(
    ({ resource, object: { metadata } }) =>
      DELETED.includes(resource) &&
      !ids.has(idOf(resource, { metadata })) &&
      metadata.deletionTimestamp === undefined &&
      metadata.ownerReferences?.some((owner) => owner.controller === true && owner.uid === uid),
  );
}

function rescaled(model: Model, { deployment }: Observed): Pick<Decision, "scalesTo"> {
  const wanted = wantedReplicas(model);
  const isAsked = deployment !== undefined && deployment.spec?.replicas !== wanted;
  return isAsked ? { scalesTo: wanted } : {};
}

function idOf(resource: Resource, { metadata }: Pick<KubeObject, "metadata">): string {
  return `${apiVersionOf(resource)}/${resource.plural}/${keyOf(metadata)}`;
}
