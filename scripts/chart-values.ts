/**
 * The values of charts/localmodel as a schema: values.schema.json is made from it, and Helm refuses values
 * that it does not allow.
 *
 * What the chart only passes on to Kubernetes is any map or list: the API server judges it. What it passes on
 * to a component is judged by that component's own schema, so that a setting is never refused when it is
 * new, nor a misspelt one found out only by a pod that does not start.
 */
import { z } from "zod";
import { ApiConfig } from "@localmodel/localmodel/api-config.ts";
import { OperatorConfig } from "@localmodel/localmodel/operator-config.ts";

const anyMap = z.looseObject({});
const anyList = z.array(anyMap);
const strings = z.record(z.string(), z.string());
const namespace = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
  .max(63);
const pullPolicy = z.enum(["", "Always", "IfNotPresent", "Never"]);

const imageFields = {
  repository: z.string().min(1),
  tag: z.string().regex(/^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$/),
  digest: z.string().regex(/^(sha256:[0-9a-f]{64})?$/),
};
const variant = z.strictObject(imageFields).partial({ tag: true, digest: true });

/** What operator and api have in common. */
const componentFields = {
  image: z.strictObject({ ...imageFields, pullPolicy }),
  serviceAccount: z.strictObject({
    create: z.boolean(),
    name: z.string(),
    annotations: strings,
  }),
  resources: anyMap,
  podLabels: strings,
  podAnnotations: strings,
  priorityClassName: z.string(),
  nodeSelector: strings,
  tolerations: anyList,
  affinity: anyMap,
  topologySpreadConstraints: anyList,
};

export const ChartValues = z.strictObject({
  fullnameOverride: z.string(),
  image: z.strictObject({ registry: z.string(), tag: imageFields.tag, pullPolicy }),
  imagePullSecrets: z.array(z.strictObject({ name: z.string().min(1) })),
  watchNamespaces: z.array(namespace),
  logLevel: z.enum(["debug", "info", "warn", "error"]),
  crds: z.strictObject({ enabled: z.boolean(), keep: z.boolean() }),
  rbac: z.strictObject({ create: z.boolean(), aggregate: z.boolean() }),
  operator: z.strictObject({
    ...componentFields,
    replicas: z.int().min(0).max(10),
    // The others follow from other values.
    config: OperatorConfig.omit({
      images: true,
      imagePullPolicy: true,
      imagePullSecrets: true,
      namespaces: true,
      port: true,
    }),
  }),
  modelServer: z.strictObject({
    images: z.strictObject({
      cpu: variant,
      cuda: variant.nullish(),
      vulkan: variant.nullish(),
    }),
    pullPolicy,
  }),
  api: z.strictObject({
    ...componentFields,
    replicas: z.int().min(0).max(1000),
    config: ApiConfig.omit({
      port: true,
      directory: true,
      namespaces: true,
      drainTimeoutMs: true,
    }),
    drainTimeoutSeconds: z.int().min(0).max(86_400),
    service: z.strictObject({
      type: z.enum(["ClusterIP", "NodePort", "LoadBalancer"]),
      port: z.int().min(1).max(65_535),
      annotations: strings,
    }),
    podDisruptionBudget: z.strictObject({
      enabled: z.boolean(),
      maxUnavailable: z.union([z.int().min(1), z.string().regex(/^[1-9][0-9]?%$/)]),
    }),
  }),
  // Helm gives it to every chart that is part of another.
  global: anyMap.exactOptional(),
});

export function chartValuesSchema(): string {
  const schema = z.toJSONSchema(ChartValues, { io: "input", target: "draft-7" });
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}
