/**
 * The LocalModel resource, `localmodel.dev/v1alpha1`: the one declaration that YAML files, the CRD,
 * the field reference and all services are made from.
 *
 * Everything in `spec` must have a Kubernetes structural schema: no unions, no nulls, bounds on
 * everything, and each rule between fields both as a check and as CEL.
 */
import { z } from "zod";
import { adapterIdsOf } from "./adapters.ts";
import { CacheSpec } from "./cache-spec.ts";
import { EngineSpec, SamplingSpec } from "./engine-spec.ts";
import { EnvironmentSpec } from "./env-spec.ts";
import { USUAL_VARIABLES } from "./environment-policy.ts";
import { GpuSpec } from "./gpu-spec.ts";
import { ImageUrlsSpec } from "./image-urls-spec.ts";
import { PodMetadata } from "./map-spec.ts";
import { placementFields } from "./placement-spec.ts";
import { ResourcesSpec } from "./quantity.ts";
import { RuntimeSpec } from "./runtime-spec.ts";
import { RolloutSpec } from "./rollout-spec.ts";
import { ScalingSpec } from "./scaling-spec.ts";
import { checkSource, sourceFields, sourceRules, SourceSpec } from "./source-spec.ts";
import { Label, Subdomain, textLike } from "./text.ts";

export const GROUP = "localmodel.dev";
export const VERSION = "v1alpha1";
export const API_VERSION = `${GROUP}/${VERSION}`;
export const KIND = "LocalModel";

/** What a client may send as `model`. It also travels as a URL path, so no part may be "." or "..". */
export const ModelId = textLike(
  256,
  /^[A-Za-z0-9_][A-Za-z0-9_.:@+-]*(\/[A-Za-z0-9_][A-Za-z0-9_.:@+-]*)*$/,
  'a model id such as "llama-3.2-1b" or "org/name:tag": letters, digits, "_.:@+-" and "/"',
);

const AdapterSpec = z
  .strictObject({
    id: ModelId.exactOptional().describe(
      "What clients send as `model` for answers with this adapter. Absent: it is applied to all requests.",
    ),
    ...sourceFields,
    scale: z
      .number()
      .min(-100)
      .max(100)
      .default(1)
      .describe("Strength of the adapter; 1 as it was trained."),
  })
  .check(checkSource)
  .meta({ "x-kubernetes-validations": sourceRules });
type AdapterSpec = z.infer<typeof AdapterSpec>;

const ADAPTER_AS_MODEL = "must not have an adapter with an id of the model itself";
const ADAPTER_TWICE = "must not have an adapter's id twice";

const aliases = z
  .array(ModelId)
  .max(32)
  .default([])
  .check((payload) => {
    if (new Set(payload.value).size === payload.value.length) return;
    payload.issues.push({
      code: "custom",
      message: "must not name an alias twice",
      input: payload.value,
    });
  })
  .describe("Further ids clients may send as `model`.")
  .meta({ "x-kubernetes-list-type": "set" });

const SpecFields = z.strictObject({
  modelId: ModelId.exactOptional().describe(
    "What clients send as `model`. Default: the object's name. Of two LocalModels that claim one id, the older keeps it.",
  ),
  aliases,
  className: Subdomain.exactOptional().describe(
    "LocalModelClass, which says what the platform gives and allows. Default: the one named `default`, where there is one. Local mode has none.",
  ),
  source: SourceSpec.describe("Where the weights (a GGUF file) come from: exactly one kind."),
  projector: SourceSpec.exactOptional().describe(
    "Image projector (mmproj) of a model that reads images: the same fields as `source`.",
  ),
  imageUrls: ImageUrlsSpec.exactOptional().describe(
    "Images that clients send as https URLs. Absent: they are refused, and pictures come as data URLs.",
  ),
  draft: SourceSpec.exactOptional().describe(
    "Small model of the same vocabulary that drafts tokens for the large one, which checks them: answers stay what they are, and come faster where that pays. The same fields as `source`.",
  ),
  adapters: z
    .array(AdapterSpec)
    .max(8)
    .exactOptional()
    .check((payload) => {
      const ids = adapterIdsOf({ adapters: payload.value ?? [] });
      if (new Set(ids).size === ids.length) return;
      payload.issues.push({ code: "custom", message: ADAPTER_TWICE, input: payload.value });
    })
    .describe(
      "LoRA adapters: the fields of `source`, `scale`, and an `id` for those that clients choose. The weights are loaded once, and the slots are for all.",
    )
    .meta({
      "x-kubernetes-list-type": "atomic",
      "x-kubernetes-validations": [
        {
          rule: "self.all(one, !has(one.id) || self.exists_one(other, has(other.id) && other.id == one.id))",
          message: ADAPTER_TWICE,
        },
      ],
    }),
  engine: EngineSpec.prefault({}).describe("How the weights are run."),
  sampling: SamplingSpec.prefault({}).describe(
    "What a request gets for the parameters that it leaves out.",
  ),
  replicas: z
    .int()
    .min(0)
    .max(1000)
    .default(1)
    .describe(
      "Pods that serve the model; 0 suspends it. Other numbers have no effect beside `scaling`. Local mode runs one process, or none.",
    ),
  scaling: ScalingSpec.exactOptional().describe(
    "How many replicas there are by demand, and whether the model sleeps while nobody asks for it. Absent: as `replicas` says; a document that local mode finds in a folder, and that says neither, sleeps as with `scaling: {}`.",
  ),
  gpu: GpuSpec.exactOptional().describe("Accelerators of each replica. Absent: CPU only."),
  resources: ResourcesSpec.exactOptional().describe("CPU and memory of each replica."),
  cache: CacheSpec.exactOptional().describe("Volume that keeps weights between pods."),
  runtime: RuntimeSpec.exactOptional().describe("What the pods run."),
  rollout: RolloutSpec.prefault({}).describe(
    "How pods are replaced when what they run changes, and how long they may finish their answers.",
  ),
  ...placementFields,
  podMetadata: PodMetadata.exactOptional().describe("Labels and annotations of the pods."),
  env: EnvironmentSpec.exactOptional().describe(
    `Environment variables of the model server: ${USUAL_VARIABLES.join(", ")}, none of these that names a file, and what the platform allows besides. Secrets and ConfigMaps only where it allows them.`,
  ),
  promptLogging: z
    .boolean()
    .default(false)
    .describe("Whether prompts and completions may appear in logs and traces."),
});

export const LocalModelSpec = SpecFields.check((payload) => {
  const { modelId, aliases: own, adapters = [] } = payload.value;
  if (!adapterIdsOf({ adapters }).some((id) => [modelId, ...own].includes(id))) return;
  payload.issues.push({
    code: "custom",
    message: ADAPTER_AS_MODEL,
    path: ["adapters"],
    input: adapters,
  });
}).meta({
  "x-kubernetes-validations": [
    {
      rule: "!has(self.adapters) || self.adapters.all(one, !has(one.id) || ((!has(self.modelId) || one.id != self.modelId) && (!has(self.aliases) || !(one.id in self.aliases))))",
      message: ADAPTER_AS_MODEL,
    },
  ],
});
export type LocalModelSpec = z.infer<typeof LocalModelSpec>;
export type LocalModelSpecInput = z.input<typeof LocalModelSpec>;

/** Object metadata: the part that is used, and what `kubectl get -o yaml` adds to it. */
const Metadata = z.strictObject({
  name: Label.describe("Name of the object."),
  namespace: Label.exactOptional(),
  labels: z.record(z.string(), z.string()).nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
  generation: z.int().min(0).exactOptional(),
  uid: z.string().exactOptional(),
  creationTimestamp: z.string().nullish(),
  deletionTimestamp: z.string().nullish(),
  deletionGracePeriodSeconds: z.int().exactOptional(),
  resourceVersion: z.string().exactOptional(),
  selfLink: z.string().exactOptional(),
  finalizers: z.array(z.string()).exactOptional(),
  ownerReferences: z.array(z.unknown()).exactOptional(),
  managedFields: z.array(z.unknown()).exactOptional(),
});

export const LocalModel = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal(KIND),
  metadata: Metadata,
  spec: LocalModelSpec,
  // Tolerated as kubectl tolerates it: only the operator writes it, through its own subresource.
  status: z.record(z.string(), z.unknown()).exactOptional(),
});
export type LocalModel = z.infer<typeof LocalModel>;

/** The id clients use: the one given, else the object's name. */
export function modelIdOf(model: LocalModel): string {
  return model.spec.modelId ?? model.metadata.name;
}
