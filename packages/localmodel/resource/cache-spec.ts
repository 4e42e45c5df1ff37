/**
 * `spec.cache`: the volume that keeps downloaded weights between pods.
 *
 * Without it each pod downloads into a volume of its own that goes with it. On one machine the cache
 * is a folder and this field has no effect.
 */
import { z } from "zod";
import { Quantity } from "./quantity.ts";
import { Subdomain } from "./text.ts";

const ONE_CLAIM = "must set exactly one of claimName and claimTemplate";

/** Kubernetes lets nobody change these of a claim that exists, so the operator could not either. */
const FIXED =
  "must not change while the claim exists: remove spec.cache, or name another claim, and set it anew";

const ClaimTemplate = z
  .strictObject({
    size: Quantity.describe(
      "Size of the claim; leave room for two versions of the weights. May grow where the StorageClass allows it.",
    ),
    storageClassName: Subdomain.exactOptional().describe(
      "StorageClass of the claim. Default: the cluster's. Cannot be changed.",
    ),
    accessMode: z
      .enum(["ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"])
      .default("ReadWriteOnce")
      .describe("Replicas on several nodes need ReadWriteMany. Cannot be changed."),
  })
  .meta({
    "x-kubernetes-validations": [
      { rule: "self.accessMode == oldSelf.accessMode", message: `accessMode ${FIXED}` },
      {
        rule: "has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",
        message: `storageClassName ${FIXED}`,
      },
    ],
  });

export const UnusedSpec = z.strictObject({
  maxAgeDays: z
    .int()
    .min(2)
    .max(3650)
    .exactOptional()
    .describe("A file that no pod has asked for in so many days is taken away."),
  maxSize: Quantity.exactOptional().describe(
    "Of more unused files than this, those that were not asked for the longest are taken away. Files of the last two days stay.",
  ),
});

export const CacheSpec = z
  .strictObject({
    claimName: Subdomain.exactOptional().describe(
      "An existing PersistentVolumeClaim, which several LocalModels may share.",
    ),
    claimTemplate: ClaimTemplate.exactOptional().describe(
      "A PersistentVolumeClaim made for this LocalModel and deleted with it.",
    ),
    unused: UnusedSpec.exactOptional().describe(
      "Which files that no LocalModel of the namespace wants are taken away, once a day and before new ones come by a pod that fills the cache. Absent: none.",
    ),
    fill: z
      .enum(["Automatic", "Ahead", "WithPods"])
      .default("Automatic")
      .describe(
        "Who downloads into it. `Automatic`: a pod without devices, before pods that ask for some are made, while the model sleeps, and while `replicas` is 0. `Ahead`: likewise, also where a node with devices has to be brought for the volume while it has no pods. `WithPods`: the pods that serve.",
      ),
    compiledCode: z
      .enum(["InPod", "OnClaim"])
      .exactOptional()
      .describe(
        "Where the code is kept that NVIDIA's driver compiles for devices: in the pod, or on the claim, where it outlives pods. Default: `OnClaim` with `claimTemplate`, `InPod` with `claimName`, where whoever else may write to the claim could leave code that is run.",
      ),
  })
  .check((payload) => {
    const { claimName, claimTemplate } = payload.value;
    if ((claimName === undefined) !== (claimTemplate === undefined)) return;
    payload.issues.push({ code: "custom", message: ONE_CLAIM, input: payload.value });
  })
  .meta({
    "x-kubernetes-validations": [
      { rule: "has(self.claimName) != has(self.claimTemplate)", message: ONE_CLAIM },
    ],
  });
export type CacheSpec = z.infer<typeof CacheSpec>;
