/**
 * Whether a roll has to take an old pod away before a new one can start.
 *
 * A new pod that finds no room beside the old ones would wait for ever, as when every GPU is taken. After a
 * while, in which an autoscaler may bring a node, an old pod makes room. But only one whose place fits: a
 * pod that asks for what no node has would not start in any case, and costs no pod that serves.
 */
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import { isDeepStrictEqual } from "node:util";
import { quantityValue } from "../objects/quantities.ts";
import { conditionOf, isEnding, isScheduled } from "../status/pod-problem.ts";
import { revisionOf } from "../status/situation.ts";
import { isShortOfResources } from "../status/unschedulable.ts";

const PATIENCE_MS = 60_000;

type Room =
  | { readonly needed: false }
  /** When to look again if nothing changes. */
  | { readonly needed: false; readonly inMs: number }
  | { readonly needed: true };

export function roomFor(revision: string | undefined, pods: readonly Pod[], nowMs: number): Room {
  const staying = pods.filter((pod) => !isEnding(pod));
  const old = staying.filter((pod) => revisionOf(pod) !== revision && isScheduled(pod));
  const waitsMs = staying
    .filter((pod) => revisionOf(pod) === revision && old.some((other) => fitsInPlaceOf(pod, other)))
    .flatMap((pod) => waitingSinceMs(pod) ?? [])
    .map((sinceMs) => nowMs - sinceMs);
  if (waitsMs.length === 0) return { needed: false };
  const leftMs = PATIENCE_MS - Math.max(...waitsMs);
  return leftMs <= 0 ? { needed: true } : { needed: false, inMs: leftMs };
}

function waitingSinceMs(pod: Pod): number | undefined {
  const scheduled = conditionOf(pod, "PodScheduled");
  if (scheduled?.reason !== "Unschedulable" || !isShortOfResources(scheduled.message ?? "")) {
    return undefined;
  }
  const sinceMs = Date.parse(scheduled.lastTransitionTime ?? "");
  return Number.isNaN(sinceMs) ? undefined : sinceMs;
}

/** The node that has the old pod would take the new one instead. */
function fitsInPlaceOf(pod: Pod, old: Pod): boolean {
  const isPlacedAlike =
    isDeepStrictEqual(pod.spec?.nodeSelector, old.spec?.nodeSelector) &&
    isDeepStrictEqual(pod.spec?.affinity, old.spec?.affinity) &&
    isDeepStrictEqual(pod.spec?.tolerations, old.spec?.tolerations);
  const has = requestsOf(old);
  return isPlacedAlike && [...requestsOf(pod)].every(([name, n]) => n <= (has.get(name) ?? 0));
}

function requestsOf({ spec }: Pod): ReadonlyMap<string, number> {
  const requests = (spec?.containers ?? []).flatMap(({ resources }) =>
    Object.entries(resources?.requests ?? {}),
  );
  return new Map(requests.map(([name, quantity]) => [name, quantityValue(quantity)]));
}
