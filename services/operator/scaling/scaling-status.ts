/** `status.scaling`: what is said of a model's scale, and what a new leader goes on from. */
import type { LocalModelStatus } from "@localmodel/localmodel/resource/status-spec.ts";
import { kubeTime } from "../model/kube-time.ts";
import type { Scale, ScaleReason } from "../model/scale.ts";
import type { Bounds } from "./bounds.ts";

type ScalingStatus = NonNullable<LocalModelStatus["scaling"]>;

const SLACK_MIN_MS = 1000;
const SLACK_MAX_MS = 300_000;

/** How far the last use that is written may lie behind. */
export function slackMs({ idleMs }: Pick<Bounds, "idleMs">): number {
  return Math.min(SLACK_MAX_MS, Math.max(SLACK_MIN_MS, idleMs / 4));
}

type Known = {
  readonly scaling: ScalingStatus | undefined;
  /** Of the Deployment; undefined where there is none. */
  readonly replicas: number | undefined;
  /** Whether anybody could ask for the model to be woken. */
  readonly isHeard: boolean;
};

/** Where a leader that knows nothing of a model yet begins. */
export function firstScale(known: Known, bounds: Bounds, nowMs: number): Scale {
  const { scaling, replicas, isHeard } = known;
  const fewest = isHeard ? bounds.minReplicas : Math.max(1, bounds.minReplicas);
  // Without anybody to wake it, what sleeps would do so for ever.
  const desired = Math.max(isHeard ? 0 : 1, replicas ?? scaling?.desired ?? fewest);
  const isSame = scaling?.desired === desired;
  const sinceMs = isSame ? timeOf(scaling.since, nowMs) : nowMs;
  const lastUsedMs =
    scaling?.lastUsed === undefined ? nowMs : timeOf(scaling.lastUsed, nowMs) + slackMs(bounds);
  return {
    desired,
    reason: desired === 0 ? "Asleep" : "Demand",
    sinceMs,
    // Whoever sleeps already was not used since.
    lastUsedMs: desired === 0 ? Math.min(sinceMs, lastUsedMs) : Math.min(nowMs, lastUsedMs),
  };
}

export function scalingStatus(
  scale: Scale,
  bounds: Bounds,
  before: ScalingStatus | undefined,
  leaving: readonly string[] = [],
): ScalingStatus {
  const { desired, reason } = scale;
  const isSame = before?.desired === desired;
  const { lastUsed } = before ?? {};
  const isNear =
    isSame &&
    lastUsed !== undefined &&
    Math.abs(scale.lastUsedMs - timeOf(lastUsed, 0)) < slackMs(bounds);
  return {
    desired,
    reason,
    message: messageOf(scale, bounds),
    since: isSame ? before.since : textOf(scale.sinceMs),
    lastUsed: isNear ? lastUsed : textOf(scale.lastUsedMs),
    ...(leaving.length > 0 && { leaving: [...leaving] }),
  };
}

function messageOf({ desired, reason, surplus = 0 }: Scale, bounds: Bounds): string {
  const { requestsPerReplica: target, maxReplicas } = bounds;
  const these = desired === 1 ? "1 replica" : `${desired} replicas`;
  const words: Readonly<Record<ScaleReason, string>> = {
    Asleep: "It sleeps until a request names it.",
    Minimum: `${these}, the fewest that spec.scaling allows: more come when each has more than ${target} requests.`,
    Schedule: `${these}, the fewest that spec.scaling.schedule allows at this time.`,
    Demand: `${these}, as many as its requests need, with ${target} for each.`,
    Maximum: `${these}, the most that spec.scaling allows, or as many as were needed lately: ${maxReplicas}.`,
    Busy: `${these}, ${surplus} more than it needs: they go when no request is at them.`,
    DemandUnknown: `${these}, and no fewer until every pod of the API service says what is asked for: see the operator's log.`,
  };
  return words[reason];
}

function timeOf(text: string, otherwiseMs: number): number {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? otherwiseMs : ms;
}

function textOf(timeMs: number): string {
  return kubeTime(new Date(timeMs));
}
