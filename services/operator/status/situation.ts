/**
 * Everything the conditions are made from, gathered once: what is asked for, which pods there are, and what
 * stands in the way.
 *
 * Pods are told apart by their revision: current ones are made from what is asked for now, all others
 * belong to a state before. Only a ready pod answers; old ones count as long as they do.
 */
import type { Deployment, Pod } from "@localmodel/kube/objects/core-resources.ts";
import type { Inspection } from "@localmodel/localmodel/contracts/inspection.ts";
import { COMPONENT_LABEL } from "@localmodel/localmodel/cluster/labels.ts";
import type { MemoryEstimate } from "@localmodel/localmodel/contracts/memory-estimate.ts";
import type {
  AcceleratorStatus,
  LocalModelStatus,
  ModelStatus,
} from "@localmodel/localmodel/resource/status-spec.ts";
import type { Identity } from "../model/model.ts";
import { FETCH_COMPONENT, INSPECT_COMPONENT, REVISION_ANNOTATION } from "../objects/metadata.ts";
import type { Answer } from "./answers.ts";
import { isEnding, isReady, isScheduled, podProblem, stayingOf } from "./pod-problem.ts";
import type { Problem } from "./problem.ts";
import type { Outlook } from "./unschedulable.ts";

export type Situation = {
  readonly identity: Identity;
  /** What clients send as `model`. */
  readonly modelId: string;
  /** Why nothing is done for the model: it cannot be read, is not supported, or another has its id. */
  readonly blocker?: Problem;
  /** Replicas asked for. */
  readonly wanted: number;
  /** None is asked for because nobody asks for the model. */
  readonly isAsleep: boolean;
  /** Those that are asked for are there, and none has the weights in memory. */
  readonly isUnloaded: boolean;
  /** Whether the header of the weights is still unknown. */
  readonly isInspecting: boolean;
  /** Whether it is known where the weights are and what they are. */
  readonly isResolved: boolean;
  readonly pods: PodCounts;
  /** Most telling first. */
  readonly problems: readonly Problem[];
  /** Added to what Ready says. */
  readonly notes: readonly string[];
  readonly wantsDevices: boolean;
  /** What a server of the revision asked for has of its devices; absent before one was ready. */
  readonly accelerator?: AcceleratorStatus;
};

type PodCounts = {
  /** All that are not on their way out. */
  readonly all: number;
  readonly ready: number;
  readonly current: number;
  readonly currentScheduled: number;
  readonly currentReady: number;
};

/** What is kept in the status besides conditions. */
export type Kept = {
  readonly previous: LocalModelStatus;
  readonly model?: ModelStatus;
  readonly accelerator?: AcceleratorStatus;
  readonly image?: LocalModelStatus["image"];
  readonly modelRevision?: string;
  readonly inspection?: Inspection & { readonly sourceHash: string };
  readonly cache?: LocalModelStatus["cache"];
  readonly memory?: MemoryEstimate;
  readonly scaling?: LocalModelStatus["scaling"];
};

export function revisionOf({ metadata }: Pod): string | undefined {
  return metadata.annotations?.[REVISION_ANNOTATION];
}

/** Of the pods that the Deployment is to have. */
export function deployedRevision(deployment: Deployment | undefined): string | undefined {
  return deployment?.spec?.template.metadata?.annotations?.[REVISION_ANNOTATION];
}

export function countPods(pods: readonly Pod[], revision: string | undefined): PodCounts {
  const staying = stayingOf(pods);
  const current = staying.filter((pod) => revisionOf(pod) === revision);
  return {
    all: staying.length,
    ready: staying.filter(isReady).length,
    current: current.length,
    currentScheduled: current.filter(isScheduled).length,
    currentReady: current.filter(isReady).length,
  };
}

/** Why pods do not serve. One that inspects or fetches never does, whatever the kubelet says about its readiness. */
export function podProblems(
  pods: readonly Pod[],
  answers: ReadonlyMap<string, Answer>,
  outlook?: Outlook,
): readonly Problem[] {
  const staying = pods.filter((pod) => !isEnding(pod) && !serves(pod));
  return staying.map((pod) => podProblem(pod, answers.get(pod.metadata.name), outlook));
}

const SERVE_NEVER: ReadonlySet<string> = new Set([INSPECT_COMPONENT, FETCH_COMPONENT]);

export function serves(pod: Pod): boolean {
  return isReady(pod) && !SERVE_NEVER.has(pod.metadata.labels?.[COMPONENT_LABEL] ?? "");
}

export function isSettled({ wanted, isInspecting, pods }: Situation): boolean {
  return wanted > 0 && !isInspecting && pods.currentReady >= wanted && pods.all === pods.current;
}
