/**
 * The kinds of Kubernetes itself that controllers of this project read and write, with client-node's
 * types in the form they have on the wire.
 */
import type {
  CoreV1Event,
  V1Deployment,
  V1EndpointSlice,
  V1Namespace,
  V1Node,
  V1PersistentVolumeClaim,
  V1Pod,
  V1PodDisruptionBudget,
  V1Secret,
  V1Service,
  V1ServiceAccount,
} from "@kubernetes/client-node";
import type { Observed } from "./objects.ts";
import { defineResource } from "./resource.ts";

export type Deployment = Observed<V1Deployment>;
export type EndpointSlice = Observed<V1EndpointSlice>;
type Namespace = Observed<V1Namespace>;
export type Node = Observed<V1Node>;
export type CoreEvent = Observed<CoreV1Event>;
export type PersistentVolumeClaim = Observed<V1PersistentVolumeClaim>;
export type Pod = Observed<V1Pod>;
export type PodDisruptionBudget = Observed<V1PodDisruptionBudget>;
export type Secret = Observed<V1Secret>;
export type Service = Observed<V1Service>;
export type ServiceAccount = Observed<V1ServiceAccount>;

const CORE = { group: "", version: "v1", namespaced: true } as const;
const APPS = { group: "apps", version: "v1", namespaced: true } as const;
const POLICY = { group: "policy", version: "v1", namespaced: true } as const;
const DISCOVERY = { group: "discovery.k8s.io", version: "v1", namespaced: true } as const;
const CLUSTER_WIDE = { namespaced: false } as const;

export const DEPLOYMENTS = defineResource<Deployment>({
  ...APPS,
  plural: "deployments",
  kind: "Deployment",
});

export const ENDPOINT_SLICES = defineResource<EndpointSlice>({
  ...DISCOVERY,
  plural: "endpointslices",
  kind: "EndpointSlice",
});

/** As schedulers and autoscalers write them; they can be asked for by the object they are about. */
export const CORE_EVENTS = defineResource<CoreEvent>({
  ...CORE,
  plural: "events",
  kind: "Event",
});

export const NAMESPACES = defineResource<Namespace>({
  ...CORE,
  ...CLUSTER_WIDE,
  plural: "namespaces",
  kind: "Namespace",
});

export const NODES = defineResource<Node>({
  ...CORE,
  ...CLUSTER_WIDE,
  plural: "nodes",
  kind: "Node",
});

export const PERSISTENT_VOLUME_CLAIMS = defineResource<PersistentVolumeClaim>({
  ...CORE,
  plural: "persistentvolumeclaims",
  kind: "PersistentVolumeClaim",
});

export const PODS = defineResource<Pod>({ ...CORE, plural: "pods", kind: "Pod" });

export const POD_DISRUPTION_BUDGETS = defineResource<PodDisruptionBudget>({
  ...POLICY,
  plural: "poddisruptionbudgets",
  kind: "PodDisruptionBudget",
});

export const SECRETS = defineResource<Secret>({ ...CORE, plural: "secrets", kind: "Secret" });

export const SERVICES = defineResource<Service>({ ...CORE, plural: "services", kind: "Service" });

export const SERVICE_ACCOUNTS = defineResource<ServiceAccount>({
  ...CORE,
  plural: "serviceaccounts",
  kind: "ServiceAccount",
});
