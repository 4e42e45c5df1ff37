/**
 * What there should be for a LocalModel: the table of contents of objects/, one file per object.
 *
 * Pure, and made anew at every pass. Objects are in the order they are needed: a pod that is made before its
 * ServiceAccount is refused.
 */
import {
  DEPLOYMENTS,
  PERSISTENT_VOLUME_CLAIMS,
  POD_DISRUPTION_BUDGETS,
  PODS,
  SERVICE_ACCOUNTS,
  SERVICES,
} from "@localmodel/kube/objects/core-resources.ts";
import type { ApplyConfiguration, KubeObject } from "@localmodel/kube/objects/objects.ts";
import type { Resource } from "@localmodel/kube/objects/resource.ts";
import { cacheClaim } from "../objects/cache-claim.ts";
import { deployment, type DeploymentParts } from "../objects/deployment.ts";
import { disruptionBudget } from "../objects/disruption-budget.ts";
import { inspectPod } from "../objects/inspect-pod.ts";
import { serviceAccount } from "../objects/service-account.ts";
import { service } from "../objects/service.ts";
import type { Model } from "../model/model.ts";
import type { Platform } from "../model/platform.ts";

export type DesiredObject = {
  readonly resource: Resource;
  readonly configuration: ApplyConfiguration<KubeObject>;
};

export type Phase =
  /** Nothing is known of the weights yet: what serves already is left as it is. */
  | { readonly phase: "inspect" }
  /** All but the pods. */
  | { readonly phase: "wait" }
  | ({ readonly phase: "serve" } & DeploymentParts);

export function desiredObjects(
  model: Model,
  platform: Platform,
  phase: Phase,
): readonly DesiredObject[] {
  return [
    ...one(SERVICE_ACCOUNTS, serviceAccount(model)),
    ...one(PERSISTENT_VOLUME_CLAIMS, cacheClaim(model)),
    ...one(SERVICES, service(model)),
    ...one(POD_DISRUPTION_BUDGETS, disruptionBudget(model)),
    ...(phase.phase === "inspect" ? one(PODS, inspectPod(model, platform)) : []),
    ...(phase.phase === "serve" ? one(DEPLOYMENTS, deployment(model, phase)) : []),
  ];
}

function one<T extends KubeObject>(
  resource: Resource<T>,
  configuration: ApplyConfiguration<T> | undefined,
): readonly DesiredObject[] {
  return configuration === undefined ? [] : [{ resource, configuration }];
}
