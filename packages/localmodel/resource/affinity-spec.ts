/**
 * `spec.affinity`: a pod's affinity, field for field as Kubernetes has it.
 *
 * It is written out instead of being passed through unchecked, so that a misspelt field is an error
 * where it was written and not a pod that lands on the wrong node.
 */
import { z } from "zod";
import { LabelValue, mapOf, QualifiedName } from "./map-spec.ts";
import { Label, text, textLike } from "./text.ts";

const atomic = { "x-kubernetes-list-type": "atomic" };

const LabelKey = textLike(QualifiedName.maxLength, QualifiedName.pattern, QualifiedName.rule);
const labelKeys = z.array(LabelKey).max(16).meta(atomic);

const values = z
  .array(LabelValue)
  .max(64)
  .exactOptional()
  .describe("Values to compare with; none for Exists and DoesNotExist.")
  .meta(atomic);

const NodeSelectorRequirement = z.strictObject({
  key: text(317).describe("Label of the node, or its field."),
  operator: z
    .enum(["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"])
    .describe("How the key's value relates to `values`."),
  values,
});

const requirements = z.array(NodeSelectorRequirement).max(32).exactOptional().meta(atomic);

const NodeSelectorTerm = z.strictObject({
  matchExpressions: requirements.describe("Requirements on the labels of a node."),
  matchFields: requirements.describe("Requirements on the fields of a node."),
});

const weight = z.int().min(1).max(100).describe("Weight of this preference among the others.");

const NodeAffinity = z
  .strictObject({
    requiredDuringSchedulingIgnoredDuringExecution: z
      .strictObject({
        nodeSelectorTerms: z
          .array(NodeSelectorTerm)
          .min(1)
          .max(16)
          .describe("Terms of which one must hold.")
          .meta(atomic),
      })
      .exactOptional()
      .describe("What a node must have."),
    preferredDuringSchedulingIgnoredDuringExecution: z
      .array(
        z.strictObject({
          weight,
          preference: NodeSelectorTerm.describe("Term that earns the weight."),
        }),
      )
      .max(16)
      .exactOptional()
      .describe("What a node should have where possible.")
      .meta(atomic),
  })
  .describe("Which nodes attract the pods.");

export const LabelSelector = z.strictObject({
  matchLabels: mapOf(QualifiedName, LabelValue, 32)
    .exactOptional()
    .describe("Labels with exactly these values."),
  matchExpressions: z
    .array(
      z.strictObject({
        key: LabelKey.describe("Label of the pod or namespace."),
        operator: z
          .enum(["In", "NotIn", "Exists", "DoesNotExist"])
          .describe("How the label's value relates to `values`."),
        values,
      }),
    )
    .max(16)
    .exactOptional()
    .describe("Further requirements on labels.")
    .meta(atomic),
});

const PodAffinityTerm = z.strictObject({
  topologyKey: LabelKey.describe("Node label that says what counts as one place."),
  labelSelector: LabelSelector.exactOptional().describe("Pods that are meant."),
  namespaces: z
    .array(Label)
    .max(32)
    .exactOptional()
    .describe("Namespaces of those pods. Default: the LocalModel's.")
    .meta(atomic),
  namespaceSelector: LabelSelector.exactOptional().describe("Namespaces of those pods, by label."),
  matchLabelKeys: labelKeys
    .exactOptional()
    .describe("Labels in which those pods must equal the new pod."),
  mismatchLabelKeys: labelKeys
    .exactOptional()
    .describe("Labels in which those pods must differ from the new pod."),
});

const podAffinityFields = {
  requiredDuringSchedulingIgnoredDuringExecution: z
    .array(PodAffinityTerm)
    .max(16)
    .exactOptional()
    .describe("Terms that must all hold.")
    .meta(atomic),
  preferredDuringSchedulingIgnoredDuringExecution: z
    .array(
      z.strictObject({
        weight,
        podAffinityTerm: PodAffinityTerm.describe("Term that earns the weight."),
      }),
    )
    .max(16)
    .exactOptional()
    .describe("Terms that should hold where possible.")
    .meta(atomic),
};

export const AffinitySpec = z.strictObject({
  nodeAffinity: NodeAffinity.exactOptional(),
  podAffinity: z
    .strictObject(podAffinityFields)
    .exactOptional()
    .describe("Which pods attract the pods."),
  podAntiAffinity: z
    .strictObject(podAffinityFields)
    .exactOptional()
    .describe("Which pods repel the pods."),
});
