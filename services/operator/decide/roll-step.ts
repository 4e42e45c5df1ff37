/**
 * What a roll does to old pods in this pass: whether room is made, which pods go, and whether an image has to be on a
 * node before.
 */
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import { type Model, wantedReplicas } from "../model/model.ts";
import type { Observed } from "../model/observed.ts";
import type { Platform } from "../model/platform.ts";
import { isMarked } from "../objects/deletion-cost.ts";
import { replacesFirst } from "../objects/deployment.ts";
import { isReady, stayingOf } from "../status/pod-problem.ts";
import { deployedRevision, revisionOf } from "../status/situation.ts";
import { type Pull, pullOn } from "./pull.ts";
import { bringsNode, type Room, roomFor } from "./room.ts";
import { volumeRoom } from "./volume-room.ts";

/** For what nobody tells of. */
export const LOOK_AGAIN_MS = 60_000;

type RollStep = {
  readonly room: Room;
  readonly pull: Pull;
  /** Pods that are to go before others of their kind, and do not say so yet. */
  readonly marks: readonly Pod[];
  /** How many pods may be missing. */
  readonly makesRoom: number;
  /** Nothing of the roll may begin yet. */
  readonly isHeld: boolean;
  readonly bringsNode: boolean;
  readonly againInMs?: number;
};

type Given = {
  readonly observed: Observed;
  readonly nowMs: number;
  /** Of the pods that are asked for. */
  readonly revision: string | undefined;
};

export function rollStep(model: Model, platform: Platform, given: Given): RollStep {
  const { observed, nowMs, revision } = given;
  const room = madeRoom(model, neededRoom(given));
  const victims = room.kind === "now" ? room.victims : [];
  const node = nodeToPullOn(model, observed, { room, revision });
  const pull = pullOn(node, model, platform, { observed, nowMs });
  const isPulling = pull.kind === "pulling";
  // The controller of the pods chooses whom to end: it has to know by then.
  const marks = victims.filter((pod) => !isMarked(pod));
  const missing = missingPods(model, observed.pods, { revision, victims: victims.length });
  const isAdding = bringsNode(observed.waiting, nowMs);
  return {
    room,
    pull,
    marks,
    makesRoom: marks.length > 0 || isPulling ? 0 : missing,
    isHeld: isPulling && replacesFirst(model),
    bringsNode: isAdding,
    ...((isAdding || isPulling) && { againInMs: LOOK_AGAIN_MS }),
    ...(room.kind === "later" && { againInMs: room.inMs }),
  };
}

function neededRoom({ observed, nowMs, revision }: Given): Room {
  const room = roomFor(revision, observed.pods, observed.waiting, nowMs);
  if (room.kind !== "none" && room.kind !== "going") return room;
  const ofVolume = volumeRoom(revision, observed);
  return ofVolume.kind === "none" ? room : ofVolume;
}

/** Where a new pod is about to start in an old one's place. */
function nodeToPullOn(
  model: Model,
  { pods, deployment }: Observed,
  { room, revision }: { readonly room: Room; readonly revision: string | undefined },
): string | undefined {
  const node = nodeOf(room);
  if (node !== undefined) return node;
  const rolls = deployment !== undefined && deployedRevision(deployment) !== revision;
  if (!rolls || !replacesFirst(model) || model.spec.rollout.paused) return undefined;
  return pods.find((pod) => isReady(pod) && revisionOf(pod) !== revision)?.spec?.nodeName;
}

function nodeOf(room: Room): string | undefined {
  if (room.kind !== "now" && room.kind !== "later") return undefined;
  return room.nodeName ?? room.victims[0]?.spec?.nodeName;
}

function madeRoom({ spec }: Model, room: Room): Room {
  const isMade = room.kind === "none" || room.kind === "going";
  if (isMade || spec.rollout.strategy !== "Surge") return room;
  return { kind: "useless", lacks: ["spec.rollout.strategy is Surge"] };
}

/** As the Deployment's controller counts: pods that have not become ready yet are missing as well. */
function missingPods(
  model: Model,
  pods: readonly Pod[],
  { revision, victims }: { readonly revision: string | undefined; readonly victims: number },
): number {
  if (victims === 0) return 0;
  const wanted = wantedReplicas(model);
  const staying = stayingOf(pods);
  const unready = staying.filter((pod) => revisionOf(pod) === revision && !isReady(pod)).length;
  return Math.min(wanted, Math.max(1, victims + wanted + unready - staying.length));
}
