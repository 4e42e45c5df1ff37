/**
 * Why a pod does not serve: the first of its steps that is not done.
 *
 * Scheduled, then each container in the order they run. What the kubelet says counts before what the pod
 * itself says, because it knows of failures the pod did not live to tell.
 */
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import {
  FETCH_CONTAINER,
  INSPECT_CONTAINER,
  SERVER_CONTAINER,
} from "@localmodel/localmodel/cluster/pod-layout.ts";
import { failure } from "./advice.ts";
import { type Answer, fetchProblem, INSPECTING, inspectProblem } from "./answers.ts";
import { serverProblem, waiting } from "./answers.ts";
import { containerProblem, type ContainerStatus } from "./container-problem.ts";
import { eventProblem } from "./pod-event.ts";
import type { Problem } from "./problem.ts";
import { type Outlook, unschedulable } from "./unschedulable.ts";

const STARTING = waiting("load", "Starting", "The pod is being started.");

export function isReady(pod: Pod): boolean {
  return !isEnding(pod) && conditionOf(pod, "Ready")?.status === "True";
}

export function isEnding({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** Ended for good, and replaced by whoever made it. */
export function isOver({ status }: Pod): boolean {
  return status?.phase === "Failed" || status?.phase === "Succeeded";
}

/** Those that will go on, as the controller of the pods counts them. */
export function stayingOf(pods: readonly Pod[]): readonly Pod[] {
  return pods.filter((pod) => !isEnding(pod) && !isOver(pod));
}

export function isScheduled(pod: Pod): boolean {
  return pod.spec?.nodeName !== undefined && pod.spec.nodeName !== "";
}

export function findsNoNode(pod: Pod): boolean {
  return !isScheduled(pod) && conditionOf(pod, "PodScheduled")?.reason === "Unschedulable";
}

/** For a pod that can be done without. */
export const NO_NODE_PATIENCE_MS = 120_000;

/** Whether the scheduler has had no node for it for longer than is waited for one. */
export function foundNoNode(
  pod: Pod,
  nowMs: number,
  patienceMs: number = NO_NODE_PATIENCE_MS,
): boolean {
  const sinceMs = Date.parse(conditionOf(pod, "PodScheduled")?.lastTransitionTime ?? "");
  return findsNoNode(pod) && nowMs - sinceMs > patienceMs;
}

export function conditionOf({ status }: Pod, type: string) {
  return status?.conditions?.find((condition) => condition.type === type);
}

export function podProblem(pod: Pod, answer: Answer | undefined, outlook?: Outlook): Problem {
  return (
    placeProblem(pod, outlook) ??
    statusesOf(pod)
      .map((status) => stepProblem(pod, status, answer))
      .find((problem) => problem !== undefined) ??
    said(pod, outlook) ??
    STARTING
  );
}

/** Whether a container of it has been started, or its image at least been looked for. */
export function hasBegun(pod: Pod): boolean {
  return statusesOf(pod).some(
    ({ state, lastState }) =>
      state?.running !== undefined ||
      state?.terminated !== undefined ||
      lastState?.terminated !== undefined ||
      !NOT_BEGUN.has(state?.waiting?.reason ?? ""),
  );
}

const NOT_BEGUN: ReadonlySet<string> = new Set(["", "ContainerCreating", "PodInitializing"]);

function said(pod: Pod, { podsSay, isLeaving = false }: Outlook = {}): Problem | undefined {
  const event = hasBegun(pod) ? undefined : podsSay?.get(pod.metadata.name);
  return event && eventProblem(event, isLeaving);
}

function placeProblem(pod: Pod, outlook: Outlook | undefined): Problem | undefined {
  const { status } = pod;
  if (status?.phase === "Failed") {
    const reason = status.reason === "Evicted" ? "Evicted" : "PodFailed";
    return failure(reason, `A pod ended: ${status.message ?? status.reason ?? "no reason given"}`);
  }
  return isScheduled(pod) ? undefined : (said(pod, outlook) ?? waitProblem(pod, outlook));
}

function waitProblem(pod: Pod, outlook: Outlook | undefined): Problem {
  const scheduled = conditionOf(pod, "PodScheduled");
  if (scheduled?.reason === "SchedulingGated") {
    const message = "The pod waits for its queue to let it start.";
    return waiting("schedule", "SchedulingGated", message);
  }
  if (scheduled?.status === "False") return unschedulable(pod, scheduled.message ?? "", outlook);
  return waiting("schedule", "Scheduling", "The pod waits for a node.");
}

export function hasFetched(pod: Pod): boolean {
  return statusesOf(pod).some(
    ({ name, state }) => name === FETCH_CONTAINER && state?.terminated?.exitCode === 0,
  );
}

/** In the order they run. */
function statusesOf({ status }: Pod): readonly ContainerStatus[] {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
}

function stepProblem(
  pod: Pod,
  status: ContainerStatus,
  answer: Answer | undefined,
): Problem | undefined {
  // Any container without a probe counts as ready while it runs.
  const serves = status.name === SERVER_CONTAINER && status.ready;
  if (status.state?.terminated?.exitCode === 0 || serves) return undefined;
  const problem = containerProblem(status, sourceImagesOf(pod));
  if (problem !== undefined) return problem;
  return status.state?.running === undefined ? undefined : runningProblem(status.name, answer);
}

function runningProblem(container: string, answer: Answer | undefined): Problem | undefined {
  switch (container) {
    case FETCH_CONTAINER:
      if (answer?.from === "fetch") return fetchProblem(answer.progress);
      return waiting("load", "Downloading", "The weights are being fetched.");
    case INSPECT_CONTAINER:
      return answer?.from === "fetch" ? inspectProblem(answer.progress) : INSPECTING;
    case SERVER_CONTAINER:
      if (answer?.from === "server") return serverProblem(answer.state);
      return waiting("load", "Loading", "The weights are being loaded.");
    default:
      return undefined;
  }
}

function sourceImagesOf({ spec }: Pod): readonly string[] {
  return (spec?.volumes ?? []).flatMap(({ image }) => image?.reference ?? []);
}
