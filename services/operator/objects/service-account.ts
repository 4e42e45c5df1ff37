/** The ServiceAccount of a LocalModel's pods: an identity without rights, and without a token. */
import type { ServiceAccount } from "@localmodel/kube/objects/core-resources.ts";
import type { ApplyConfiguration } from "@localmodel/kube/objects/objects.ts";
import { objectName } from "@localmodel/localmodel/cluster/labels.ts";
import type { Model } from "../model/model.ts";
import { metadataOf } from "./metadata.ts";

/** None where the author names one. */
export function serviceAccount(model: Model): ApplyConfiguration<ServiceAccount> | undefined {
  if (model.spec.serviceAccountName !== undefined) return undefined;
  return { metadata: metadataOf(model), automountServiceAccountToken: false };
}

export function serviceAccountName({ name, spec }: Model): string {
  return spec.serviceAccountName ?? objectName(name);
}
