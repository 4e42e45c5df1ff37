/** Values of the API service. */
import { z } from "zod";
import { ApiConfig } from "@localmodel/localmodel/contracts/api-config.ts";
import { ApiKey } from "@localmodel/localmodel/contracts/api-keys.ts";
import { disruptionBudget, image, pods, serviceAccount } from "./component-values.ts";
import { anyList, anyMap, labels, objectName, port, strings } from "./value-schemas.ts";
import { group, value } from "./value-tree.ts";

/** What a refinement judges is said again as a pattern: only that has a place in a JSON schema. */
const KeyEntry = ApiKey.extend({
  name: z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9._@-]{0,62}[A-Za-z0-9])?$/),
  sha256: z.string().regex(/^[0-9a-fA-F]{64}$/),
});
const hostname = z.string().regex(/^(\*\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);
const percent = z.int().min(1).max(1000).nullish();

const keys = group(
  "Who may use it. With nothing here and without `config.keySecrets`: everybody.",
  {
    entries: value(
      "Keys by their hash, as `npm run key` prints them; the chart makes a Secret of them.",
      z.array(KeyEntry),
      [],
    ),
    existingSecret: value("A Secret of this namespace that holds keys instead.", objectName, ""),
    existingSecretKey: value(
      "Key of the Secret's data.",
      z
        .string()
        .regex(/^[-._a-zA-Z0-9]+$/)
        .max(253),
      "keys.yaml",
    ),
  },
);

const dataKey = z
  .string()
  .regex(/^[-._a-zA-Z0-9]*$/)
  .max(253);
const valkey = group(
  "A Valkey, or Redis, which all replicas share: kept answers are there, and not in the memory of each, and what keys have used of their limits.",
  {
    url: value(
      "`valkey://HOST:PORT`, or `valkeys://` for TLS, with `/NUMBER` for a database; without a password.",
      z.string().regex(/^((valkeys?|rediss?):\/\/[^@\s]+)?$/),
      "",
    ),
    existingSecret: value("A Secret of this namespace for what follows.", objectName, ""),
    existingSecretUrlKey: value(
      "Key of the Secret's data for the URL, instead of `url`; that one may have a password.",
      dataKey,
      "",
    ),
    existingSecretPasswordKey: value("Key for the password.", dataKey, ""),
    existingSecretCaKey: value("Key for certificates to believe in TLS, as PEM.", dataKey, ""),
    port: value("Its port, for the NetworkPolicy.", port, 6379),
  },
);

const autoscaling = group("Replicas by load, instead of `replicas`.", {
  enabled: value("Whether to make a HorizontalPodAutoscaler.", z.boolean(), false),
  minReplicas: value("Never fewer replicas than this.", z.int().min(1), 2),
  maxReplicas: value("Never more replicas than this.", z.int().min(1).max(1000), 10),
  targetCPUUtilizationPercentage: value(
    "CPU to use, in percent of what pods request.",
    percent,
    70,
  ),
  targetMemoryUtilizationPercentage: value(
    "Memory to use, in percent of what pods request.",
    percent,
    null,
  ),
  metrics: value("Further metrics.", anyList, []),
  behavior: value("How fast the number of replicas follows the load.", anyMap, {}),
});

const service = group("Its Service.", {
  type: value(
    "ClusterIP, NodePort or LoadBalancer.",
    z.enum(["ClusterIP", "NodePort", "LoadBalancer"]),
    "ClusterIP",
  ),
  port: value("Port that clients connect to.", port, 80),
  nodePort: value(
    "For NodePort and LoadBalancer; default: a free one.",
    z.int().min(1).max(65_535).nullish(),
    null,
  ),
  labels: value("Further labels.", labels, {}),
  annotations: value("Annotations, such as those for a load balancer.", strings, {}),
  loadBalancerClass: value("For LoadBalancer.", z.string(), ""),
  loadBalancerSourceRanges: value("For LoadBalancer: who may connect.", z.array(z.string()), []),
  externalTrafficPolicy: value(
    "For NodePort and LoadBalancer.",
    z.enum(["", "Cluster", "Local"]),
    "",
  ),
  trafficDistribution: value(
    "Which replicas to prefer.",
    z.enum(["", "PreferClose", "PreferSameZone", "PreferSameNode"]),
    "",
  ),
  ipFamilyPolicy: value(
    "One protocol or both.",
    z.enum(["", "SingleStack", "PreferDualStack", "RequireDualStack"]),
    "",
  ),
});

const ingress = group("A way in for an Ingress controller.", {
  enabled: value("Whether to make an Ingress.", z.boolean(), false),
  className: value("Which controller.", objectName, ""),
  labels: value("Further labels.", labels, {}),
  annotations: value("Timeouts and buffering of the controller: streams last.", strings, {}),
  hosts: value("Names it answers to; none: all.", z.array(hostname), []),
  path: value(
    "Beginning of the paths that are passed on. The service itself knows only `/v1`.",
    z.string().regex(/^\//),
    "/",
  ),
  tls: value("Certificates: `[{ secretName: …, hosts: […] }]`.", anyList, []),
});

const httpRoute = group("A way in for a Gateway (Gateway API).", {
  enabled: value("Whether to make an HTTPRoute.", z.boolean(), false),
  labels: value("Further labels.", labels, {}),
  annotations: value("Annotations.", strings, {}),
  parentRefs: value("The Gateways: `[{ name: …, namespace: … }]`.", anyList, []),
  hostnames: value("Names it answers to; none: those of the Gateway.", z.array(hostname), []),
  matches: value("Which requests; none: all.", anyList, []),
  filters: value("What to change in them.", anyList, []),
  timeouts: value("Timeouts, such as `{ request: 0s }`, which means none.", strings, {}),
});

export const api = group("The OpenAI-compatible endpoint.", {
  replicas: value("Number of replicas.", z.int().min(0).max(1000), 2),
  image: image("localmodel-api"),
  config: value(
    "Further settings: packages/localmodel/contracts/api-config.ts, such as `{ bodyMaxBytes: 67108864 }`. With `keySecrets` " +
      "the service may read the Secrets of its own namespace.",
    ApiConfig.omit({
      port: true,
      metricsPort: true,
      directory: true,
      namespaces: true,
      drainTimeoutMs: true,
      drainQuietMs: true,
      serverKeyFile: true,
      valkey: true,
    }),
    {},
  ),
  keys,
  valkey,
  drainTimeoutSeconds: value(
    "How long open streams may go on when a pod is asked to end.",
    z.int().min(0).max(86_400),
    120,
  ),
  autoscaling,
  service,
  ingress,
  httpRoute,
  podDisruptionBudget: disruptionBudget(),
  serviceAccount: serviceAccount(),
  ...pods({ requests: { cpu: "100m", memory: "192Mi" }, limits: { memory: "2Gi" } }),
});
