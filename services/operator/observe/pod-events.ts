/**
 * Looks up what keeps pods from their first container: claims of devices that are not made, volumes that are not attached.
 *
 * Nothing of that is in a pod's status, which says that it waits. It is looked up only for pods that wait longer than most
 * do, and of a few: the pods of a model wait for the same things.
 */
import type { CoreEvent, Pod } from "@localmodel/kube/objects/core-resources.ts";
import type { Client } from "@localmodel/kube/wire/client.ts";
import type { Observed, PodEvent } from "../model/observed.ts";
import { hasBegun, isEnding, isOver, isReady, isScheduled } from "../status/pod-problem.ts";
import { CLAIM_EVENTS, VOLUME_EVENTS } from "../status/pod-event.ts";
import { eventsOf } from "./events.ts";

const PATIENCE_MS = 20_000;
const PODS_MAX = 2;
const TOLD: readonly string[] = [...CLAIM_EVENTS, ...VOLUME_EVENTS];
/** Said once, while others repeat that they wait for it. */
const TELLS_MOST = "FailedAttachVolume";
const ATTACHED = "SuccessfulAttachVolume";

type Pods = Pick<Observed, "pods" | "inspectPod" | "fetchPod">;

/** Those that may have something said of them; nobody tells when it is. */
export function heldUp({ pods, inspectPod, fetchPod }: Pods): readonly Pod[] {
  return [...pods, inspectPod, fetchPod].flatMap((pod) =>
    pod !== undefined && isHeldUp(pod) ? [pod] : [],
  );
}

/** Undefined where nothing is said. */
export async function lookUpPods(
  client: Client,
  pods: Pods,
  nowMs: number,
): Promise<Observed["podsSay"]> {
  const waiting = heldUp(pods).filter((pod) => nowMs - sinceMs(pod) > PATIENCE_MS);
  const found = await Promise.all(
    waiting.slice(0, PODS_MAX).map(async (pod) => {
      const said = tellingOf(await eventsOf(client, pod));
      return said === undefined ? [] : [[pod.metadata.name, said] as const];
    }),
  );
  return found.flat().length === 0 ? undefined : new Map(found.flat());
}

function isHeldUp(pod: Pod): boolean {
  if (isEnding(pod) || isOver(pod) || isReady(pod)) return false;
  return isScheduled(pod) ? !hasBegun(pod) : lacksClaim(pod);
}

function lacksClaim({ spec, status }: Pod): boolean {
  const made = status?.resourceClaimStatuses ?? [];
  return (spec?.resourceClaims ?? []).some(
    (claim) => !made.some(({ name }) => name === claim.name),
  );
}

function sinceMs({ metadata, status }: Pod): number {
  const ms = Date.parse(status?.startTime ?? metadata.creationTimestamp ?? "");
  return Number.isNaN(ms) ? 0 : ms;
}

/** `events`: the latest last. */
function tellingOf(events: readonly CoreEvent[]): PodEvent | undefined {
  const since = events.slice(events.findLastIndex(({ reason }) => reason === ATTACHED) + 1);
  const told = since.filter(({ reason = "" }) => TOLD.includes(reason));
  const said = told.findLast(({ reason }) => reason === TELLS_MOST) ?? told.at(-1);
  return said && { reason: said.reason ?? "", message: said.message ?? "" };
}
