/**
 * The status of a LocalModel: its conditions, always all that apply, and what has been found out.
 *
 * Pure, and complete at every pass: what is not in here is taken out of the object. Only what cannot be seen
 * again without work (the inspection, what a pod said) is carried over from the status before.
 */
import { selectorLabels } from "@localmodel/localmodel/cluster/labels.ts";
import {
  type Condition,
  CONDITION_TYPES,
  type ConditionType,
  type LocalModelStatus,
} from "@localmodel/localmodel/resource/status-spec.ts";
import type { Kept, Situation } from "./situation.ts";
import {
  active,
  accelerated,
  isStalled,
  loaded,
  progressing,
  ready,
  scheduled,
  sourceResolved,
  stalled,
  type Verdict,
} from "./verdicts.ts";

const VERDICTS: Readonly<Record<ConditionType, (situation: Situation) => Verdict>> = {
  Ready: ready,
  SourceResolved: sourceResolved,
  Scheduled: scheduled,
  Loaded: loaded,
  Progressing: progressing,
  Active: active,
  Accelerated: accelerated,
  Stalled: stalled,
};

const MESSAGE_MAX_CHARACTERS = 2000;

/** `now`: the time of day, in Kubernetes' form. */
export function statusOf(situation: Situation, kept: Kept, now: string): LocalModelStatus {
  const { identity, modelId, pods } = situation;
  const { previous, model, accelerator, image, modelRevision, inspection } = kept;
  const { cache, memory, scaling } = kept;
  return {
    observedGeneration: identity.generation,
    modelId,
    conditions: applicable(situation).map((type) =>
      condition({ type, ...VERDICTS[type](situation) }, identity.generation, { previous, now }),
    ),
    ...(model !== undefined && { model }),
    ...(accelerator !== undefined && { accelerator }),
    ...(image !== undefined && { image }),
    ...(modelRevision !== undefined && { modelRevision }),
    ...(inspection !== undefined && { inspection }),
    ...(cache !== undefined && { cache }),
    ...(memory !== undefined && { memory }),
    ...(scaling !== undefined && { scaling }),
    replicas: pods.all,
    readyReplicas: pods.ready,
    selector: Object.entries(selectorLabels(identity.name))
      .map(([name, value]) => `${name}=${value}`)
      .join(","),
  };
}

function applicable(situation: Situation): readonly ConditionType[] {
  const applies: Partial<Record<ConditionType, boolean>> = {
    Accelerated: situation.wantsDevices,
    Stalled: isStalled(situation),
  };
  return CONDITION_TYPES.filter((type) => applies[type] ?? true);
}

function condition(
  { type, status, reason, message }: Verdict & { readonly type: ConditionType },
  observedGeneration: number,
  { previous, now }: { readonly previous: LocalModelStatus; readonly now: string },
): Condition {
  const before = previous.conditions?.find((one) => one.type === type);
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : now;
  return {
    type,
    status,
    observedGeneration,
    lastTransitionTime,
    reason,
    message: message.slice(0, MESSAGE_MAX_CHARACTERS),
  };
}

/** Conditions by type, in this order whatever the server has stored. */
export function readyCondition(status: LocalModelStatus): Condition | undefined {
  return status.conditions?.find(({ type }) => type === "Ready");
}
