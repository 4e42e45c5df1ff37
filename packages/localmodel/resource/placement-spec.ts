/**
 * Where pods run, and as whom: the fields of a pod that LocalModel passes on unchanged.
 *
 * Local mode reads them and does nothing with them, so that one document serves both.
 */
import { z } from "zod";
import { AffinitySpec, LabelSelector } from "./affinity-spec.ts";
import { LabelValue, NodeSelector, QualifiedName } from "./map-spec.ts";
import { Subdomain, textLike } from "./text.ts";

const atomic = { "x-kubernetes-list-type": "atomic" };
const LabelKey = textLike(QualifiedName.maxLength, QualifiedName.pattern, QualifiedName.rule);

const VALUE_NEEDS_EQUAL = "value must not be set when operator is Exists";
const NO_KEY_NEEDS_EXISTS = "operator must be Exists when key is not set";

const Toleration = z
  .strictObject({
    key: LabelKey.exactOptional().describe("Taint key. Absent: every taint."),
    operator: z
      .enum(["Equal", "Exists"])
      .default("Equal")
      .describe("Whether the taint's value counts."),
    value: LabelValue.exactOptional().describe("Taint value, for Equal."),
    effect: z
      .enum(["NoSchedule", "PreferNoSchedule", "NoExecute"])
      .exactOptional()
      .describe("Taint effect. Absent: every effect."),
    tolerationSeconds: z
      .int()
      .min(0)
      .max(31_536_000)
      .exactOptional()
      .describe("How long NoExecute is tolerated. Absent: for ever."),
  })
  .check((payload) => {
    const { key, operator, value } = payload.value;
    const broken = [
      ...(operator === "Exists" && value !== undefined && value !== "" ? [VALUE_NEEDS_EQUAL] : []),
      ...(operator === "Equal" && key === undefined ? [NO_KEY_NEEDS_EXISTS] : []),
    ];
    for (const message of broken) {
      payload.issues.push({ code: "custom", message, input: payload.value });
    }
  })
  .meta({
    "x-kubernetes-validations": [
      {
        rule: "self.operator != 'Exists' || !has(self.value) || self.value == ''",
        message: VALUE_NEEDS_EQUAL,
      },
      { rule: "self.operator != 'Equal' || has(self.key)", message: NO_KEY_NEEDS_EXISTS },
    ],
  });

const TopologySpreadConstraint = z.strictObject({
  maxSkew: z.int().min(1).max(1000).describe("Largest difference between two places."),
  topologyKey: LabelKey.describe("Node label that says what counts as one place."),
  whenUnsatisfiable: z
    .enum(["DoNotSchedule", "ScheduleAnyway"])
    .describe("Whether the constraint is a must."),
  labelSelector: LabelSelector.exactOptional().describe(
    "Pods that are counted. Default: the pods of this LocalModel.",
  ),
  matchLabelKeys: z
    .array(LabelKey)
    .max(16)
    .exactOptional()
    .describe("Labels in which counted pods must equal the new pod.")
    .meta(atomic),
  minDomains: z.int().min(1).max(1000).exactOptional().describe("Least number of places."),
  nodeAffinityPolicy: z
    .enum(["Honor", "Ignore"])
    .exactOptional()
    .describe("Whether nodes that affinity excludes count as places."),
  nodeTaintsPolicy: z
    .enum(["Honor", "Ignore"])
    .exactOptional()
    .describe("Whether nodes with untolerated taints count as places."),
});

const ImagePullSecret = z.strictObject({ name: Subdomain.describe("Name of the Secret.") });

/** Fields of `spec`, to be spread into it. */
export const placementFields = {
  nodeSelector: NodeSelector.exactOptional().describe("Labels a node must have."),
  tolerations: z
    .array(Toleration)
    .max(32)
    .exactOptional()
    .describe("Taints the pods tolerate.")
    .meta(atomic),
  affinity: AffinitySpec.exactOptional().describe("Affinity to nodes and other pods."),
  topologySpreadConstraints: z
    .array(TopologySpreadConstraint)
    .max(16)
    .exactOptional()
    .describe("How replicas spread over zones and nodes.")
    .meta(atomic),
  priorityClassName: Subdomain.exactOptional().describe("PriorityClass of the pods."),
  supplementalGroups: z
    .array(z.int().min(0).max(2_147_483_647))
    .max(16)
    .exactOptional()
    .describe(
      "Further groups of the pods' processes: on some nodes devices of AMD and Intel belong to one.",
    )
    .meta(atomic),
  runtimeClassName: Subdomain.exactOptional().describe("RuntimeClass of the pods."),
  schedulerName: Subdomain.exactOptional().describe("Scheduler other than the default one."),
  serviceAccountName: Subdomain.exactOptional().describe(
    "ServiceAccount of the pods; no token of it is mounted.",
  ),
  imagePullSecrets: z
    .array(ImagePullSecret)
    .max(16)
    .exactOptional()
    .describe("Secrets for pulling images, those of an `image` source included.")
    .meta(atomic),
};
