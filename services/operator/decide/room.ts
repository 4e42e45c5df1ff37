/**
 * Whether a roll has to take an old pod away before a new one can start, and which.
 *
 * A new pod that finds no room beside the old ones would wait for ever, as when every GPU is taken. After a while, in
 * which an autoscaler may bring a node, as few old pods as it takes make room: those of a node that would take the new
 * pod without them. A pod that would not start there either costs no pod that serves.
 */
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import { isDeepStrictEqual } from "node:util";
import type { Place, Waiting } from "../model/observed.ts";
import {
  conditionOf,
  isEnding,
  isOver,
  isReady,
  isScheduled,
  stayingOf,
} from "../status/pod-problem.ts";
import { revisionOf } from "../status/situation.ts";
import { ANTI_AFFINITY, CLAIMS, ONE_POD_CLAIM, shortOf } from "../status/unschedulable.ts";
import { lackOf, requestsOf } from "./node-fit.ts";

const PATIENCE_MS = 60_000;
/** For a node that an autoscaler has said it brings: with devices and their drivers that takes minutes. */
export const NODE_PATIENCE_MS = 15 * 60_000;
const EXCLUSIVE: readonly string[] = [ONE_POD_CLAIM, ANTI_AFFINITY];

type Made = {
  readonly victims: readonly Pod[];
  /** Of the new pod, where it has a node already. */
  readonly nodeName?: string;
};

export type Room =
  /** Nothing waits for what this model's old pods have. */
  | { readonly kind: "none" }
  /** Those that are ending suffice. */
  | { readonly kind: "going" }
  /** Room will be made, but not yet; `inMs`: when to look again if nothing changes. */
  | ({ readonly kind: "later"; readonly inMs: number } & Made)
  | ({ readonly kind: "now" } & Made)
  /** A new pod waits, and would not start in the place of an old one either. */
  | { readonly kind: "useless"; readonly lacks: readonly string[] };

export function roomFor(
  revision: string | undefined,
  pods: readonly Pod[],
  waiting: Waiting | undefined,
  nowMs: number,
): Room {
  const old = pods.filter((pod) => revisionOf(pod) !== revision && isScheduled(pod));
  const staying = stayingOf(old);
  const unplaced = pods
    .filter((pod) => revisionOf(pod) === revision && !isEnding(pod))
    .flatMap((pod) => waitOf(pod) ?? [])
    .toSorted((a, b) => a.sinceMs - b.sinceMs);
  const [first] = unplaced;
  if (first === undefined || old.length === 0) return { kind: "none" };
  const found = victimsFor(first, old, waiting);
  if ("lacks" in found) {
    return staying.length === 0 ? { kind: "none" } : { kind: "useless", lacks: found.lacks };
  }
  if (found.victims.length === 0) return { kind: old.some(isEnding) ? "going" : "none" };
  const leftMs = deadlineMs(first, waiting) - nowMs;
  const { victims } = found;
  return leftMs <= 0 ? { kind: "now", victims } : { kind: "later", inMs: leftMs, victims };
}

/** Whether an autoscaler that has said so may still be believed. */
export function bringsNode(waiting: Waiting | undefined, nowMs: number): boolean {
  const { scaleUpAtMs } = waiting ?? {};
  return scaleUpAtMs !== undefined && nowMs < scaleUpAtMs + NODE_PATIENCE_MS;
}

function deadlineMs({ sinceMs }: Unplaced, waiting: Waiting | undefined): number {
  const { scaleUpAtMs } = waiting ?? {};
  const patientMs = sinceMs + PATIENCE_MS;
  return scaleUpAtMs === undefined
    ? patientMs
    : Math.max(patientMs, scaleUpAtMs + NODE_PATIENCE_MS);
}

type Unplaced = { readonly pod: Pod; readonly sinceMs: number; readonly short: readonly string[] };

/** Undefined for a pod that nobody's end would help. */
function waitOf(pod: Pod): Unplaced | undefined {
  const scheduled = conditionOf(pod, "PodScheduled");
  if (isScheduled(pod) || scheduled?.reason !== "Unschedulable") return undefined;
  const short = shortOf(scheduled.message ?? "");
  const sinceMs = Date.parse(scheduled.lastTransitionTime ?? "");
  return short.length === 0 || Number.isNaN(sinceMs) ? undefined : { pod, sinceMs, short };
}

type Victims = { readonly victims: readonly Pod[] } | { readonly lacks: readonly string[] };

/** The fewest on one node; those that do not serve first. */
function victimsFor(
  unplaced: Unplaced,
  old: readonly Pod[],
  waiting: Waiting | undefined,
): Victims {
  const byNode = Map.groupBy(old, ({ spec }) => spec?.nodeName ?? "");
  const found = [...byNode].map(([node, those]) => onNode(unplaced, node, those, waiting));
  const possible = found.filter((one) => "victims" in one);
  const [best] = possible.toSorted((a, b) => a.victims.length - b.victims.length);
  if (best !== undefined) return best;
  return { lacks: [...new Set(found.flatMap((one) => ("lacks" in one ? one.lacks : [])))] };
}

function onNode(
  unplaced: Unplaced,
  name: string,
  old: readonly Pod[],
  waiting: Waiting | undefined,
): Victims {
  const going = old.filter((pod) => isEnding(pod) || isOver(pod));
  const staying = old
    .filter((pod) => !going.includes(pod))
    .toSorted((a, b) => Number(isReady(a)) - Number(isReady(b)));
  const place = waiting?.places.get(name);
  // What only one pod may have is free once nobody has it.
  const isExclusive = unplaced.short.some((what) => EXCLUSIVE.includes(what));
  const least = isExclusive && going.length === 0 ? 1 : 0;
  let lacks: readonly string[] = [];
  for (let count = least; count <= staying.length; count += 1) {
    lacks = lacksWithout(unplaced, [...going, ...staying.slice(0, count)], place);
    if (lacks.length === 0) return { victims: staying.slice(0, count) };
  }
  return { lacks };
}

function lacksWithout(
  { pod, short }: Unplaced,
  gone: readonly Pod[],
  place: Place | undefined,
): readonly string[] {
  const seen =
    place === undefined
      ? lackByRequests(pod, gone, short)
      : lackOf(pod, { ...place, pods: place.pods.filter((one) => !isAmong(one, gone)) });
  const has = (part: (spec: Pod["spec"]) => unknown): boolean =>
    gone.some(({ spec }) => isDeepStrictEqual(part(spec), part(pod.spec)));
  // Nobody here counts devices that are claimed (DRA), nor knows whom else a rule of affinity keeps away: what an old
  // pod had, a new one that asks for the same may have.
  return [
    ...seen,
    ...(short.includes(CLAIMS) && !has((spec) => spec?.resourceClaims)
      ? ["its devices would not be known to suffice"]
      : []),
    ...(short.includes(ANTI_AFFINITY) && !has((spec) => spec?.affinity?.podAntiAffinity)
      ? ["other pods may be kept away from"]
      : []),
  ];
}

function isAmong({ metadata }: Pod, pods: readonly Pod[]): boolean {
  return pods.some(
    (one) => one.metadata.name === metadata.name && one.metadata.namespace === metadata.namespace,
  );
}

/** Without the node: what is short must be what the old pods have, and the new one be placed as they are. */
function lackByRequests(
  pod: Pod,
  without: readonly Pod[],
  short: readonly string[],
): readonly string[] {
  const [other] = without;
  if (other === undefined) return ["it is not known what it has"];
  const isPlacedAlike =
    isDeepStrictEqual(pod.spec?.nodeSelector, other.spec?.nodeSelector) &&
    isDeepStrictEqual(pod.spec?.affinity, other.spec?.affinity);
  const wants = requestsOf(pod);
  const freed = without.map(requestsOf);
  return [
    ...(isPlacedAlike ? [] : ["the new pod is to be placed elsewhere"]),
    ...short.flatMap((name) => {
      const gain = freed.reduce((sum, requests) => sum + (requests.get(name) ?? 0), 0);
      return (wants.get(name) ?? 0) <= gain ? [] : [`it would not have enough ${name}`];
    }),
  ];
}
