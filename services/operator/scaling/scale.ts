/**
 * How many replicas there should be: pure, folded over what is seen of the demand.
 *
 * What holds from any history on:
 *   - never fewer than the minimum, never more than the maximum;
 *   - the first request wakes at once; further replicas come when they were needed for a while, as many as all of that
 *     while needed, so a burst that is over by then starts nothing;
 *   - fewer come when they would have sufficed for a whole window in which the number did not change, so within one
 *     window it goes one way; and no more go than are idle: what is more than needed waits until they are;
 *   - nothing goes to zero while anything is asked for, or as long as one API pod has not been heard.
 * Where not every API pod is heard, demand is at least what the others say: that may add replicas and never takes any.
 */
import type { Scale, ScaleReason, Stretch } from "../model/scale.ts";
import type { Bounds } from "./bounds.ts";

export type Load = {
  /** In flight and waiting. */
  readonly requests: number;
  /** When a request last came or ended; 0: never that anybody knows. */
  readonly lastUsedMs: number;
  /** Whether every API pod is heard. */
  readonly isWhole: boolean;
  /** Somebody who may has asked for its sleep, and no request has come since. */
  readonly isSentToSleep: boolean;
  /** Pods that no request is at, those that are still to be made included. */
  readonly idlePods: number;
};

/** How long more replicas must be needed before they are started, where there are some. */
export const RISE_MS = 3000;
/** An API pod that starts or goes is not worth a word. */
const UNKNOWN_GRACE_MS = 15_000;

export function nextScale(before: Scale, bounds: Bounds, load: Load, nowMs: number): Scale {
  const scale = before.sinceMs > nowMs ? { ...before, sinceMs: nowMs } : before;
  const lastUsedMs = lastUse(scale, load, nowMs);
  const within = clamp(scale.desired, bounds);
  const kept = keptStretches({ ...scale, desired: within }, bounds, load, nowMs);
  const desired = decided({ ...scale, ...kept, desired: within, lastUsedMs }, bounds, load, nowMs);
  const hasChanged = desired !== scale.desired;
  const anew = { ...scale, desired, over: undefined, under: undefined };
  const { over, under, unknownSinceMs } = hasChanged
    ? keptStretches(anew, bounds, load, nowMs)
    : kept;
  const sinceMs = hasChanged ? nowMs : scale.sinceMs;
  const surplus = surplusOf({ desired, sinceMs, under }, bounds, nowMs);
  return {
    desired,
    reason: reasonOf(desired, bounds, { surplus, unknownSinceMs, nowMs }),
    sinceMs,
    lastUsedMs,
    ...(surplus > 0 && { surplus }),
    ...(over && { over }),
    ...(under && { under }),
    ...(unknownSinceMs !== undefined && { unknownSinceMs }),
  };
}

/** When the same load may lead to something else; undefined: not by time alone. */
export function changesInMs(
  scale: Scale,
  bounds: Bounds,
  load: Load,
  nowMs: number,
): number | undefined {
  const { desired, sinceMs, over, under, lastUsedMs, unknownSinceMs } = scale;
  const windowMs = bounds.scaleDownMs;
  const timesMs = [
    ...(over === undefined ? [] : [over.sinceMs + RISE_MS]),
    ...(under === undefined ? [] : [Math.max(sinceMs, under.sinceMs) + windowMs]),
    ...(maySleep(desired, bounds, load) ? [Math.max(nowMs, lastUsedMs + bounds.idleMs)] : []),
    ...(unknownSinceMs === undefined ? [] : [unknownSinceMs + UNKNOWN_GRACE_MS]),
    ...(bounds.changesAtMs === undefined ? [] : [bounds.changesAtMs]),
  ];
  // What is over has had its effect already, or waits for something that is told.
  const later = timesMs.filter((timeMs) => timeMs >= nowMs);
  return later.length === 0 ? undefined : Math.max(1, Math.min(...later) - nowMs);
}

function lastUse(scale: Scale, load: Load, nowMs: number): number {
  if (load.requests > 0) return nowMs;
  return Math.min(nowMs, Math.max(scale.lastUsedMs, load.lastUsedMs));
}

type Kept = {
  readonly over: Stretch | undefined;
  readonly under: Stretch | undefined;
  readonly unknownSinceMs: number | undefined;
};

function keptStretches(scale: Scale, bounds: Bounds, load: Load, nowMs: number): Kept {
  const { desired, over, under, unknownSinceMs = nowMs } = scale;
  const needed = neededReplicas(bounds, load);
  const isLess = load.isWhole && needed < desired;
  return {
    over: needed > desired ? stretched(over, { needed, nowMs, choose: Math.min }) : undefined,
    under: isLess ? stretched(under, { needed, nowMs, choose: Math.max }) : undefined,
    unknownSinceMs: load.isWhole ? undefined : unknownSinceMs,
  };
}

type Stretching = {
  readonly needed: number;
  readonly nowMs: number;
  readonly choose: (a: number, b: number) => number;
};

function stretched(known: Stretch | undefined, { needed, nowMs, choose }: Stretching): Stretch {
  if (known === undefined) return { sinceMs: nowMs, replicas: needed };
  return {
    sinceMs: Math.min(known.sinceMs, nowMs),
    replicas: choose(known.replicas, needed),
  };
}

function decided(scale: Scale, bounds: Bounds, load: Load, nowMs: number): number {
  const { desired, lastUsedMs, sinceMs, over } = scale;
  if (desired === 0) {
    // Who does not wait wants it awake as well.
    const isAsked = load.requests > 0 || (scale.reason === "Asleep" && lastUsedMs > sinceMs);
    return isAsked ? 1 : 0;
  }
  if (maySleep(desired, bounds, load)) {
    if (load.isSentToSleep || nowMs - lastUsedMs >= bounds.idleMs) return 0;
  }
  if (over !== undefined && nowMs - over.sinceMs >= RISE_MS) {
    return Math.max(desired, over.replicas);
  }
  return desired - Math.min(surplusOf(scale, bounds, nowMs), load.idlePods);
}

function maySleep(desired: number, { minReplicas }: Bounds, load: Load): boolean {
  return desired > 0 && minReplicas === 0 && load.isWhole && load.requests === 0;
}

/** How many more there are than a whole window has needed. */
function surplusOf(
  { desired, sinceMs, under }: Pick<Scale, "desired" | "sinceMs" | "under">,
  { scaleDownMs }: Bounds,
  nowMs: number,
): number {
  if (under === undefined || nowMs - Math.max(sinceMs, under.sinceMs) < scaleDownMs) return 0;
  return Math.max(0, desired - under.replicas);
}

/** For the load alone: one at least, since sleeping goes by time. */
function neededReplicas(bounds: Bounds, { requests }: Load): number {
  return clamp(Math.max(1, Math.ceil(requests / bounds.requestsPerReplica)), bounds);
}

function clamp(replicas: number, { minReplicas, maxReplicas }: Bounds): number {
  return Math.min(maxReplicas, Math.max(minReplicas, replicas));
}

type Seen = Pick<Scale, "surplus" | "unknownSinceMs"> & { readonly nowMs: number };

function reasonOf(
  desired: number,
  { minReplicas, maxReplicas, isScheduled = false }: Bounds,
  { surplus = 0, unknownSinceMs = Infinity, nowMs }: Seen,
): ScaleReason {
  if (desired === 0) return "Asleep";
  if (surplus > 0) return "Busy";
  if (desired === minReplicas) return isScheduled ? "Schedule" : "Minimum";
  if (nowMs - unknownSinceMs >= UNKNOWN_GRACE_MS) return "DemandUnknown";
  return desired === maxReplicas && maxReplicas > 1 ? "Maximum" : "Demand";
}
