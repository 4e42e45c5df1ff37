/** The PersistentVolumeClaim that keeps a LocalModel's downloads, where its author asks for one. */
import type { PersistentVolumeClaim, Pod } from "@localmodel/kube/objects/core-resources.ts";
import type { ApplyConfiguration } from "@localmodel/kube/objects/objects.ts";
import { objectName } from "@localmodel/localmodel/cluster/labels.ts";
import type { Model } from "../model/model.ts";
import { metadataOf } from "./metadata.ts";

export function cacheClaim(model: Model): ApplyConfiguration<PersistentVolumeClaim> | undefined {
  const template = model.spec.cache?.claimTemplate;
  if (template === undefined) return undefined;
  const { size, accessMode, storageClassName } = template;
  return {
    metadata: metadataOf(model),
    spec: {
      accessModes: [accessMode],
      resources: { requests: { storage: size } },
      ...(storageClassName !== undefined && { storageClassName }),
    },
  };
}

/** The claim the cache is on; none when it goes with the pod. */
export function cacheClaimName({ name, spec }: Model): string | undefined {
  if (spec.cache === undefined) return undefined;
  return spec.cache.claimName ?? objectName(name);
}

/** Whether the pod mounts the claim. */
export function hasClaim({ spec }: Pod, claim: string | undefined): boolean {
  return (spec?.volumes ?? []).some(
    ({ persistentVolumeClaim }) =>
      claim !== undefined && persistentVolumeClaim?.claimName === claim,
  );
}
