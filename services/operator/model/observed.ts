/** What there is of a LocalModel in the cluster when a pass begins. */
import type { Deployment, Node, Pod } from "@localmodel/kube/objects/core-resources.ts";
import type { KubeObject } from "@localmodel/kube/objects/objects.ts";
import type { Resource } from "@localmodel/kube/objects/resource.ts";
import type { LocalModelStatus } from "@localmodel/localmodel/resource/status-spec.ts";

export type OwnedObject = { readonly resource: Resource; readonly object: KubeObject };

/** A node, and every pod that takes room on it, whoever's it is. */
export type Place = { readonly node: Node; readonly pods: readonly Pod[] };

/** A node that says which driver of NVIDIA's it has. */
export type DeviceNode = {
  readonly node: Node;
  /** Without those of the model at hand; absent: nobody has looked. */
  readonly pods?: readonly Pod[];
};

/** What a pod that found no node waits for. Looked up only while one does. */
export type Waiting = {
  /** The nodes that this model's pods are on, by name; without those that may not be read. */
  readonly places: ReadonlyMap<string, Place>;
  /** When a node autoscaler last said that it brings a node. */
  readonly scaleUpAtMs?: number;
};

/** What was last said of a claim that has no volume. Looked up only while it has none. */
export type ClaimEvent = {
  readonly isWarning: boolean;
  readonly reason: string;
  readonly message: string;
};

/** What keeps a pod from its first container, in the words of whoever tries. Looked up only while something does. */
export type PodEvent = { readonly reason: string; readonly message: string };

export type Observed = {
  /** The LocalModel's, as it is stored. */
  readonly status: LocalModelStatus;
  readonly deployment: Deployment | undefined;
  /** Those that serve, or will. */
  readonly pods: readonly Pod[];
  readonly inspectPod: Pod | undefined;
  readonly pullPod: Pod | undefined;
  readonly fetchPod: Pod | undefined;
  /** All objects labelled as the LocalModel's, of whatever kind. */
  readonly objects: readonly OwnedObject[];
  readonly waiting?: Waiting;
  readonly claimSays?: ClaimEvent;
  /** By name of the pod. */
  readonly podsSay?: ReadonlyMap<string, PodEvent>;
};
