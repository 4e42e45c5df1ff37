/**
 * The Deployment of a LocalModel.
 *
 * A roll starts a new pod before it takes an old one, so that no ready pod is lost. Two things could make it
 * wait for ever, and do not:
 *   - the new pod finds no room beside the old ones, as when every GPU is taken. `makesRoom` (see room.ts)
 *     then says how many old pods go first;
 *   - the cache is a claim of this LocalModel that one node may mount at a time. Then the old pod goes first.
 * A claim the author brings is taken to be one that many may mount, until the scheduler says that it is not, or the
 * controller that attaches volumes (volume-room.ts).
 */
import type { Deployment } from "@localmodel/kube/objects/core-resources.ts";
import type { ApplyConfiguration } from "@localmodel/kube/objects/objects.ts";
import { selectorLabels } from "@localmodel/localmodel/cluster/labels.ts";
import {
  GENERATION_ANNOTATION,
  PLATFORM_ANNOTATION,
  ROLLED_FOR_ANNOTATION,
  SPEC_ANNOTATION,
  UPGRADE,
} from "../model/fleet.ts";
import { type Model, wantedReplicas } from "../model/model.ts";
import { metadataOf } from "./metadata.ts";
import type { PodTemplate } from "./pod-template.ts";

export type DeploymentParts = {
  readonly template: PodTemplate;
  /** How many pods may be missing while it lasts; 0: none. */
  readonly makesRoom: number;
  /** Of the platform's part of the pods. */
  readonly platform: string;
  /** Whether it is the platform that wants other pods than there were. */
  readonly isUpgrade: boolean;
};

/** Means "none": the LocalModel's status tells what is stuck, and downloads may take hours. */
const NO_PROGRESS_DEADLINE = 2_147_483_647;
/** Of the LocalModel itself; Kueue reads them from workloads. */
const QUEUE_LABEL_PREFIX = "kueue.x-k8s.io/";

export function deployment(
  model: Model,
  { template, makesRoom, platform, isUpgrade }: DeploymentParts,
): ApplyConfiguration<Deployment> {
  const metadata = metadataOf(model);
  return {
    metadata: {
      ...metadata,
      labels: { ...queueLabels(model), ...metadata.labels },
      annotations: {
        [PLATFORM_ANNOTATION]: platform,
        [GENERATION_ANNOTATION]: String(model.generation),
        ...(model.specDigest !== undefined && { [SPEC_ANNOTATION]: model.specDigest }),
        ...(isUpgrade && { [ROLLED_FOR_ANNOTATION]: UPGRADE }),
      },
    },
    spec: {
      replicas: wantedReplicas(model),
      paused: model.spec.rollout.paused,
      revisionHistoryLimit: 3,
      progressDeadlineSeconds: NO_PROGRESS_DEADLINE,
      selector: { matchLabels: selectorLabels(model.name) },
      strategy: { type: "RollingUpdate", rollingUpdate: rollingUpdate(model, makesRoom) },
      template,
    },
  };
}

function rollingUpdate(model: Model, makesRoom: number) {
  return replacesFirst(model)
    ? { maxSurge: 0, maxUnavailable: 1 }
    : { maxSurge: 1, maxUnavailable: makesRoom };
}

/** Whether an old pod ends before a new one starts. */
export function replacesFirst({ spec }: Model): boolean {
  const accessMode = spec.cache?.claimTemplate?.accessMode ?? "ReadWriteMany";
  return spec.rollout.strategy === "Replace" || accessMode !== "ReadWriteMany";
}

function queueLabels({ labels }: Model): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(labels).filter(([name]) => name.startsWith(QUEUE_LABEL_PREFIX)),
  );
}
