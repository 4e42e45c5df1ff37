/**
 * `status`: what the operator found. Conditions only, no phase: `Ready` sums the others up.
 *
 * Unknown fields are dropped, not refused: an operator must be able to read what a newer one wrote.
 */
import { z } from "zod";
import { boundedString, text, textLike } from "./text.ts";

export const CONDITION_TYPES = [
  "Ready",
  "SourceResolved",
  "Scheduled",
  "Loaded",
  "Progressing",
  "Active",
  "Accelerated",
  "Stalled",
] as const;
export type ConditionType = (typeof CONDITION_TYPES)[number];

/** Of a status that nobody has written. */
export const UNSEEN_GENERATION = -1;
const generation = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const count = z.int().min(0).max(2_147_483_647);
const size = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

export const Condition = z.object({
  type: textLike(
    316,
    /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/,
    "a condition type in CamelCase",
  ).describe(`What is said: ${CONDITION_TYPES.join(", ")}.`),
  status: z.enum(["True", "False", "Unknown"]).describe("Whether it holds."),
  observedGeneration: generation
    .exactOptional()
    .describe("Generation of the LocalModel this was said about."),
  lastTransitionTime: text(64)
    .describe("When `status` last changed.")
    .meta({ format: "date-time" }),
  reason: textLike(
    1024,
    /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/,
    "a reason in CamelCase",
  ).describe("Why, as one CamelCase word for programs."),
  message: boundedString(32_768).describe("Why, and what to do next, for a person."),
});
export type Condition = z.infer<typeof Condition>;

export const ModelStatus = z.object({
  architecture: text(128).exactOptional().describe("Architecture named by the weights."),
  parameters: size.exactOptional().describe("Number of parameters."),
  quantization: text(64).exactOptional().describe("Quantization, such as `Q4_K_M`."),
  contextLength: size.exactOptional().describe("Context of each slot, in tokens."),
  sizeBytes: size.exactOptional().describe("Size of the weights."),
  capabilities: z
    .array(text(64))
    .max(32)
    .exactOptional()
    .describe(
      "What requests it can answer: chat, completions, infill, embeddings, rerank, vision, audio.",
    )
    .meta({ "x-kubernetes-list-type": "set" }),
});
export type ModelStatus = z.infer<typeof ModelStatus>;

const AcceleratorStatus = z.object({
  devices: z
    .array(text(256))
    .max(64)
    .describe("Devices that the server can use; none: it is served on the CPU.")
    .meta({ "x-kubernetes-list-type": "atomic" }),
  deviceMemoryBytes: size.describe("Memory of these devices."),
  usedBytes: size.describe("What weights and contexts take of it."),
  layers: count.exactOptional().describe("Layers that are on devices, the output layer included."),
  ofLayers: count.exactOptional().describe("Layers that the model has."),
  driverVersion: text(64).exactOptional().describe("Version of NVIDIA's driver on the node."),
  problem: z
    .object({
      reason: text(64).describe("AcceleratorMissing, DriverTooOld or VramTooSmall."),
      message: boundedString(4096).describe("In words."),
    })
    .exactOptional()
    .describe("Why the server does without its devices, wholly or in part."),
});
export type AcceleratorStatus = z.infer<typeof AcceleratorStatus>;

const ImageStatus = z.object({
  name: text(512).describe("The image."),
  variant: text(64).describe("Which one of the chart's `modelServer.images` it is."),
  leastDriver: count
    .exactOptional()
    .describe("Major version of NVIDIA's driver that it needs at least; absent: not known."),
  reason: text(64).describe("Why this one, as one CamelCase word: docs/status.md explains them."),
  message: boundedString(1024).describe("Why this one, when it was chosen, for a person."),
});

/** What `inspection.ts` describes, and what it was read from. */
const InspectionStatus = z.object({
  sourceHash: text(64).describe("Stands for the sources it was read from."),
  architecture: boundedString(128).describe("Architecture named by the weights."),
  parameters: size.describe("Elements of all tensors."),
  quantization: boundedString(64).describe("Quantization named by the weights."),
  sizeBytes: size.describe("Size of the weights, all parts together."),
  furtherBytes: size.describe("Size of adapters and other files."),
  encoderBytes: size
    .exactOptional()
    .describe("What the projector takes to look at a picture, beside its file."),
  rowDimensions: size
    .exactOptional()
    .describe("Numbers of a row that a picture becomes, where an embedding has fewer."),
  draftElements: size
    .exactOptional()
    .describe("Elements of keys and values for one token of the draft model."),
  trainContextTokens: size.describe("Context the model was trained for."),
  vocabularyTokens: size.describe("Tokens of the vocabulary."),
  embeddingDimensions: size.describe("Dimensions of an embedding."),
  layers: size.describe("Layers of the model."),
  capabilities: z
    .array(text(64))
    .max(32)
    .exactOptional()
    .describe("What requests it can answer, as far as the header tells.")
    .meta({ "x-kubernetes-list-type": "set" }),
  keyValueElements: size
    .exactOptional()
    .describe("Elements of keys and values for one token; absent where no plain formula holds."),
  keyElements: size.exactOptional().describe("Of these, those of keys."),
});
type InspectionStatus = z.infer<typeof InspectionStatus>;

const MemoryStatus = z.object({
  weightsBytes: size.describe("For weights, adapters and other files."),
  contextBytes: size.describe("For the contexts of all slots."),
  marginBytes: size.describe("For compute buffers and the processes themselves."),
  totalBytes: size.describe("All of it together."),
});
type MemoryStatus = z.infer<typeof MemoryStatus>;

const time = (what: string) => text(64).describe(what).meta({ format: "date-time" });

const ScalingStatus = z.object({
  desired: count.describe("Replicas there should be."),
  reason: text(64).describe("Why so many, as one CamelCase word: docs/sleep.md explains them."),
  message: boundedString(1024).describe("Why so many, for a person."),
  since: time("Since when there should be so many."),
  lastUsed: time(
    "When the model was last known to be used; written seldom while it is in use.",
  ).exactOptional(),
  leaving: z
    .array(text(253))
    .max(1000)
    .exactOptional()
    .describe(
      "Pods that are not needed and are busy: requests go to others where these have free slots, and a pod goes when none is at it.",
    )
    .meta({ "x-kubernetes-list-type": "set" }),
});

const CacheStatus = z.object({
  sourceHash: text(64).describe("Stands for the sources and the claim that it was filled from."),
  filledAt: time("When the last of the files was there."),
  cleanedAt: time(
    "When a pod last looked for files that nobody uses any more, or found no node for that.",
  ).exactOptional(),
});

export const LocalModelStatus = z.object({
  conditions: z
    .array(Condition)
    .max(32)
    .exactOptional()
    .describe("What is true of the model now, and why.")
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] }),
  observedGeneration: z
    .int()
    .min(UNSEEN_GENERATION)
    .max(Number.MAX_SAFE_INTEGER)
    .exactOptional()
    .describe(
      "Generation of the LocalModel this status is about; -1 where the operator has not seen it.",
    ),
  operator: text(320)
    .exactOptional()
    .describe("Installation that looks after it: namespace and name of its operator's lease."),
  modelId: text(256).exactOptional().describe("What clients send as `model`."),
  allowedIds: z
    .array(text(256))
    .max(512)
    .exactOptional()
    .describe(
      "Ids that it claims and may have. Whoever may not have one only holds it until somebody may.",
    )
    .meta({ "x-kubernetes-list-type": "set" }),
  refusedIds: z
    .array(text(256))
    .max(512)
    .exactOptional()
    .describe("Ids that it claims and that its class does not let it have: it never holds them.")
    .meta({ "x-kubernetes-list-type": "set" }),
  model: ModelStatus.exactOptional().describe("What the weights turned out to be."),
  accelerator: AcceleratorStatus.exactOptional().describe(
    "What a server that was given devices has of them; absent before one was ready.",
  ),
  image: ImageStatus.exactOptional().describe(
    "The image for NVIDIA's devices that its pods get, and why; absent where they get another.",
  ),
  modelRevision: text(64)
    .exactOptional()
    .describe("Revision of the pod that `model` was asked of; absent before one was ready."),
  inspection: InspectionStatus.exactOptional().describe(
    "What the header of the weights says, read before any pod that serves is made.",
  ),
  cache: CacheStatus.exactOptional().describe(
    "That the claim of `spec.cache` has all files; absent before, and where nobody needs to know.",
  ),
  memory: MemoryStatus.exactOptional().describe(
    "Memory each pod is expected to need, computed where `resources` does not say it.",
  ),
  scaling: ScalingStatus.exactOptional().describe(
    "How many replicas there should be by demand; absent without `spec.scaling`.",
  ),
  replicas: count.exactOptional().describe("Pods there are."),
  readyReplicas: count.exactOptional().describe("Pods that answer requests."),
  selector: text(4096).exactOptional().describe("Label selector of the pods, for autoscalers."),
});
export type LocalModelStatus = z.infer<typeof LocalModelStatus>;
