/** The CustomResourceDefinition, as data: made from the same schema that parses YAML. */
import { API_VERSION, GROUP, KIND, LocalModelSpec, VERSION } from "../resource/localmodel.ts";
import { LocalModelStatus, UNSEEN_GENERATION } from "../resource/status-spec.ts";
import { type StructuralSchema, structuralSchema } from "../resource/structural.ts";
import { LABEL_PATTERN } from "../resource/text.ts";

const PLURAL = "localmodels";

/** Where the API server serves LocalModels, for whoever watches or writes them. */
export const LOCAL_MODEL_RESOURCE = {
  group: GROUP,
  version: VERSION,
  plural: PLURAL,
  kind: KIND,
  namespaced: true,
} as const;

export function customResourceDefinition() {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${PLURAL}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: "Namespaced",
      names: {
        kind: KIND,
        listKind: `${KIND}List`,
        plural: PLURAL,
        singular: KIND.toLowerCase(),
        shortNames: ["lm"],
        categories: ["localmodel"],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: resourceSchema() },
          subresources: {
            status: {},
            scale: {
              specReplicasPath: ".spec.replicas",
              statusReplicasPath: ".status.replicas",
              labelSelectorPath: ".status.selector",
            },
          },
          selectableFields: [{ jsonPath: ".spec.modelId" }],
          additionalPrinterColumns: printerColumns,
        },
      ],
    },
  };
}

function resourceSchema() {
  return {
    type: "object",
    description: "An open model that is served with an OpenAI-compatible API.",
    required: ["spec"],
    properties: {
      apiVersion: { type: "string", description: `Always ${API_VERSION}.` },
      kind: { type: "string", description: `Always ${KIND}.` },
      metadata: { type: "object" },
      spec: {
        description: "What should be served, and how.",
        ...published(structuralSchema(LocalModelSpec)),
      },
      status: {
        description: "What the operator found. Written by nobody else.",
        // Who goes by kstatus would take a LocalModel that nobody has looked at yet for one that is well.
        default: { observedGeneration: UNSEEN_GENERATION },
        ...published(structuralSchema(LocalModelStatus)),
      },
    },
    "x-kubernetes-validations": [
      {
        // Services and labels that carry the name take no more than a label.
        rule: `size(self.metadata.name) <= 63 && self.metadata.name.matches(r'${LABEL_PATTERN.source}')`,
        message: "metadata.name must be a lower-case RFC 1123 label of at most 63 characters",
      },
    ],
  };
}

/** The schema in the API server's words: it knows no `allowed`. */
export function published(schema: StructuralSchema): StructuralSchema {
  const { allowed: _allowed, properties, items, additionalProperties, ...rest } = schema;
  return {
    ...rest,
    ...fractionRule(rest),
    ...(properties && { properties: publishedFields(properties) }),
    ...(items && { items: published(items) }),
    ...(additionalProperties && { additionalProperties: published(additionalProperties) }),
  };
}

/** The API server compares a whole number with a minimum's whole part: to it, 0 is not below 0.01. */
function fractionRule({ minimum }: StructuralSchema) {
  if (minimum === undefined || Number.isInteger(minimum)) return {};
  const rule = { rule: `self >= ${minimum}`, message: `must be at least ${minimum}` };
  return { "x-kubernetes-validations": [rule] };
}

function publishedFields(fields: Readonly<Record<string, StructuralSchema>>) {
  return Object.fromEntries(Object.entries(fields).map(([name, it]) => [name, published(it)]));
}

const readyCondition = '.status.conditions[?(@.type=="Ready")]';

const printerColumns = [
  { name: "Model", type: "string", jsonPath: ".status.modelId" },
  { name: "Ready", type: "string", jsonPath: `${readyCondition}.status` },
  { name: "Reason", type: "string", jsonPath: `${readyCondition}.reason` },
  { name: "Replicas", type: "integer", jsonPath: ".spec.replicas" },
  { name: "Available", type: "integer", jsonPath: ".status.readyReplicas" },
  { name: "Parameters", type: "integer", jsonPath: ".status.model.parameters", priority: 1 },
  { name: "Quantization", type: "string", jsonPath: ".status.model.quantization", priority: 1 },
  { name: "GPUs", type: "integer", jsonPath: ".spec.gpu.count", priority: 1 },
  { name: "Message", type: "string", jsonPath: `${readyCondition}.message`, priority: 1 },
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
];
