/**
 * LocalModels as the API server serves them: stored by any version of the CRD, so nothing is known of their
 * spec before model.ts has read it.
 */
import type { KubeObject } from "@localmodel/kube/objects/objects.ts";
import { defineResource } from "@localmodel/kube/objects/resource.ts";
import { LOCAL_MODEL_RESOURCE } from "@localmodel/localmodel/cluster/crd.ts";
import type { LocalModelStatus } from "@localmodel/localmodel/resource/status-spec.ts";

export type StoredModel = KubeObject & {
  readonly spec?: unknown;
  readonly status?: LocalModelStatus;
};

export const LOCAL_MODELS = defineResource<StoredModel>(LOCAL_MODEL_RESOURCE);
