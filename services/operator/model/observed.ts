/** What there is of a LocalModel in the cluster when a pass begins. */
import type { Deployment, Pod } from "@localmodel/kube/objects/core-resources.ts";
import type { KubeObject } from "@localmodel/kube/objects/objects.ts";
import type { Resource } from "@localmodel/kube/objects/resource.ts";
import type { LocalModelStatus } from "@localmodel/localmodel/resource/status-spec.ts";

export type OwnedObject = { readonly resource: Resource; readonly object: KubeObject };

export type Observed = {
  /** The LocalModel's, as it is stored. */
  readonly status: LocalModelStatus;
  readonly deployment: Deployment | undefined;
  /** Those that serve, or will. */
  readonly pods: readonly Pod[];
  readonly inspectPod: Pod | undefined;
  /** All objects labelled as the LocalModel's, of whatever kind. */
  readonly objects: readonly OwnedObject[];
};
