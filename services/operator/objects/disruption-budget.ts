/**
 * The PodDisruptionBudget of a LocalModel: a drained node takes one of its pods at a time.
 *
 * One, and not none, so that a model with a single pod does not hold up a drain for ever; and pods that do not
 * serve anyway may always be taken.
 */
import type { PodDisruptionBudget } from "@localmodel/kube/objects/core-resources.ts";
import type { ApplyConfiguration } from "@localmodel/kube/objects/objects.ts";
import { selectorLabels } from "@localmodel/localmodel/cluster/labels.ts";
import type { Identity } from "../model/model.ts";
import { metadataOf } from "./metadata.ts";

export function disruptionBudget(model: Identity): ApplyConfiguration<PodDisruptionBudget> {
  return {
    metadata: metadataOf(model),
    spec: {
      maxUnavailable: 1,
      selector: { matchLabels: selectorLabels(model.name) },
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    },
  };
}
