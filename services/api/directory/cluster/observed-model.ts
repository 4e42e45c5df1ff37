/**
 * What routing needs of a LocalModel in a cluster: its ids, its slots, its age and what its status says.
 *
 * Everything else is left unread, so that a LocalModel with fields this version does not know is served like
 * any other, and a status nobody can read costs the model its explanation and not its traffic.
 */
import { adapterIdsOf } from "@localmodel/localmodel/resource/adapters.ts";
import { claimedBy, type Ids } from "@localmodel/localmodel/resource/claims.ts";
import { ModelId } from "@localmodel/localmodel/resource/localmodel.ts";
import { Schedule, type ScheduleWindow } from "@localmodel/localmodel/resource/schedule-spec.ts";
import {
  LocalModelStatus,
  UNSEEN_GENERATION,
} from "@localmodel/localmodel/resource/status-spec.ts";
import { z } from "zod";

const ObservedObject = z.object({
  metadata: z.object({
    namespace: z.string().min(1),
    name: z.string().min(1),
    creationTimestamp: z.iso.datetime({ offset: true }),
  }),
  spec: z.object({
    modelId: ModelId.exactOptional(),
    aliases: z.array(ModelId).default([]),
    adapters: z.array(z.object({ id: ModelId.exactOptional() })).default([]),
    // A newer operator may know more of it, and be wrong for this version: then it is a model like any other.
    scaling: z
      .object({
        minReplicas: z.int().min(0).default(0),
        activationTimeoutSeconds: z.int().min(1).default(600),
        sleep: z.string().default("zero"),
        targetRequestsPerReplica: z.int().min(1).exactOptional(),
        idleSeconds: z.int().min(0).default(3600),
        schedule: Schedule.catch([]).default([]),
      })
      .optional()
      .catch(undefined),
    engine: z
      .object({ slots: z.int().min(1).exactOptional() })
      .catch({})
      .default({}),
  }),
  status: LocalModelStatus.catch({}).default({}),
});

export type ObservedModel = {
  /** `namespace/name`. */
  readonly key: string;
  readonly modelId: string;
  readonly aliases: readonly string[];
  readonly adapterIds: readonly string[];
  /** Ids that its class does not let it have. */
  readonly refused: readonly string[];
  /** Ids of which it is not known yet that it may have them: they go to others who may. */
  readonly yields: readonly string[];
  readonly slots?: number;
  readonly createdMs: number;
  readonly scaling?: {
    readonly minReplicas: number;
    readonly activationTimeoutSeconds: number;
    readonly sleep: string;
    readonly targetRequestsPerReplica?: number;
    readonly idleSeconds: number;
    readonly schedule: readonly ScheduleWindow[];
  };
  readonly status: LocalModelStatus;
};

/** Throws for an object that is no LocalModel, or one whose ids cannot be read. */
export function observedModel(object: unknown): ObservedModel {
  const { metadata, spec, status } = ObservedObject.parse(object);
  const modelId = spec.modelId ?? metadata.name;
  const ids = { modelId, aliases: spec.aliases, adapterIds: adapterIdsOf(spec) };
  return {
    key: `${metadata.namespace}/${metadata.name}`,
    ...ids,
    refused: status.refusedIds ?? [],
    yields: yieldsOf(ids, status),
    ...spec.engine,
    ...(spec.scaling !== undefined && { scaling: spec.scaling }),
    createdMs: Date.parse(metadata.creationTimestamp),
    status,
  };
}

/**
 * Its class is known to the operator alone, and the spec may be newer than what that has said of it. An operator of a
 * version before says nothing.
 */
function yieldsOf(ids: Ids, { allowedIds, observedGeneration }: LocalModelStatus): string[] {
  const isSeen = (observedGeneration ?? UNSEEN_GENERATION) > UNSEEN_GENERATION;
  const isOfOlderOperator = allowedIds === undefined && isSeen;
  return isOfOlderOperator ? [] : claimedBy(ids).filter((id) => allowedIds?.includes(id) !== true);
}
