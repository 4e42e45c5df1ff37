/**
 * What people ask of the chart, as values: any of these may be combined with any others.
 *
 * Two that speak of the same thing (`watchNamespaces`, the type of a Service) are merged like any values; the later
 * one counts.
 */

type Values = Readonly<Record<string, unknown>>;

export const NAMESPACE_OF_FEATURES = "localmodel";

const DIGEST = `sha256:${"0".repeat(64)}`;
const scrape = {
  enabled: true,
  labels: { release: "prometheus" },
  annotations: { note: "scraped" },
  interval: "15s",
  scrapeTimeout: "10s",
  relabelings: [{ action: "labeldrop", regex: "pod" }],
  metricRelabelings: [{ action: "keep", sourceLabels: ["__name__"], regex: "localmodel.*" }],
};

const pods: Values = {
  resources: { requests: { cpu: "1" }, limits: { memory: "1Gi" } },
  labels: { team: "search", "app.kubernetes.io/part-of": "another" },
  annotations: { note: "deployment" },
  podLabels: { team: "search", "app.kubernetes.io/component": "another" },
  podAnnotations: { note: "pod" },
  priorityClassName: "system-cluster-critical",
  nodeSelector: { disk: "fast" },
  tolerations: [{ key: "dedicated", operator: "Exists" }],
  affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } },
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "DoNotSchedule" },
  ],
  livenessProbe: { initialDelaySeconds: 5, failureThreshold: 12 },
  readinessProbe: { periodSeconds: 5 },
  strategy: { rollingUpdate: { maxSurge: "50%", maxUnavailable: 1 } },
  extraEnv: [
    { name: "LOG_LEVEL", value: "debug" },
    { name: "OTEL_TRACES_SAMPLER", value: "always_on" },
    { name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
  ],
  extraEnvFrom: [{ configMapRef: { name: "proxy", optional: true } }],
  extraVolumes: [{ name: "ca", configMap: { name: "ca" } }],
  extraVolumeMounts: [{ name: "ca", mountPath: "/etc/ca", readOnly: true }],
  extraContainers: [{ name: "beside", image: "beside:1" }],
  extraInitContainers: [{ name: "first", image: "first:1" }],
  extraPodSpec: {
    dnsConfig: { options: [{ name: "ndots", value: "1" }] },
    runtimeClassName: "gvisor",
    hostAliases: [{ ip: "10.0.0.1", hostnames: ["models.internal"] }],
  },
};

export const CHART_FEATURES: Readonly<Record<string, Values>> = {
  names: { fullnameOverride: "models" },
  "another name for the chart": { nameOverride: "llm" },
  "another namespace": { namespaceOverride: "elsewhere" },
  "longest names": { fullnameOverride: `m${"o".repeat(49)}` },
  "labels for everything": {
    commonLabels: { "cost-center": "4711", "app.kubernetes.io/name": "another" },
    commonAnnotations: { note: "by hand", "helm.sh/resource-policy": "delete" },
  },
  "a key between the services": {
    modelServer: { key: { existingSecret: "model-server-key", existingSecretKey: "secret" } },
  },
  "no key between the services": { modelServer: { key: { enabled: false } } },
  "a Valkey": { api: { valkey: { url: "valkey://cache.data.svc:6379/1" } } },
  "a Valkey with secrets": {
    api: {
      valkey: {
        url: "valkeys://cache.data.svc:6380",
        existingSecret: "cache",
        existingSecretPasswordKey: "valkey-password",
        existingSecretCaKey: "ca.crt",
        port: 6380,
      },
    },
  },
  registry: {
    image: { registry: "registry.example.com/localmodel/", tag: "1.2.3", pullPolicy: "Always" },
    imagePullSecrets: [{ name: "registry" }, { name: "registry" }],
  },
  digests: {
    operator: { image: { digest: DIGEST } },
    api: { image: { digest: DIGEST, pullPolicy: "Never" } },
    modelServer: {
      images: { cpu: { repository: "cpu", digest: DIGEST }, cuda: null, cuda12: null },
    },
  },
  "one image for NVIDIA's devices": {
    modelServer: { images: { cuda: null } },
    operator: { config: { leastCuda12Driver: 535, leastCudaDriver: 0 } },
  },
  "an image for ROCm": {
    modelServer: { images: { rocm: { repository: "rocm", architectures: ["amd64"] } } },
  },
  "one namespace": { watchNamespaces: [NAMESPACE_OF_FEATURES, NAMESPACE_OF_FEATURES] },
  "two namespaces": { watchNamespaces: [NAMESPACE_OF_FEATURES, "elsewhere"] },
  "no CRD": { crds: { enabled: false } },
  "a CRD that goes": { crds: { keep: false } },
  "no roles": { rbac: { create: false, aggregate: false } },
  "other accounts": {
    operator: { serviceAccount: { create: false } },
    api: { serviceAccount: { name: "mine", annotations: { role: "arn:aws:iam::1:role/api" } } },
  },
  "no pod security": {
    podSecurityContext: { runAsUser: null, fsGroup: 2000 },
    securityContext: { readOnlyRootFilesystem: false },
  },
  "pods of the operator": { operator: pods },
  "pods of the api": { api: pods },
  settings: {
    operator: { config: { workers: 8, leaderElection: { leaseDurationMs: 30_000 } } },
    api: { config: { bodyMaxBytes: 1_048_576, cors: { origins: ["https://chat.example.com"] } } },
  },
  standbys: {
    operator: { replicas: 2, podDisruptionBudget: { maxUnavailable: "50%" } },
    api: { replicas: 3, podDisruptionBudget: { minAvailable: 2 } },
  },
  "no replicas": { api: { replicas: 0 }, operator: { replicas: 0 } },
  autoscaling: {
    api: {
      autoscaling: {
        enabled: true,
        targetMemoryUtilizationPercentage: 80,
        behavior: { scaleDown: { stabilizationWindowSeconds: 600 } },
        metrics: [
          {
            type: "Pods",
            pods: {
              metric: { name: "requests" },
              target: { type: "AverageValue", averageValue: "10" },
            },
          },
        ],
      },
    },
  },
  "autoscaling by nothing but the default": {
    api: { autoscaling: { enabled: true, targetCPUUtilizationPercentage: null } },
  },
  "a load balancer": {
    api: {
      service: {
        type: "LoadBalancer",
        port: 443,
        annotations: { internal: "true" },
        labels: { exposed: "yes" },
        loadBalancerClass: "example.com/internal",
        loadBalancerSourceRanges: ["10.0.0.0/8"],
        externalTrafficPolicy: "Local",
        trafficDistribution: "PreferClose",
        ipFamilyPolicy: "SingleStack",
      },
    },
  },
  "a port of nodes": { api: { service: { type: "NodePort", nodePort: 30_080 } } },
  ingress: {
    api: {
      ingress: {
        enabled: true,
        className: "nginx",
        annotations: { "nginx.ingress.kubernetes.io/proxy-buffering": "off" },
        hosts: ["models.example.com", "*.models.example.com"],
        path: "/v1",
        tls: [{ secretName: "models-tls", hosts: ["models.example.com"] }],
      },
    },
  },
  "an ingress for all names": { api: { ingress: { enabled: true } } },
  "a gateway": {
    api: {
      httpRoute: {
        enabled: true,
        parentRefs: [{ name: "public", namespace: "gateways", sectionName: "https" }],
        hostnames: ["models.example.com", "models.example.com"],
        matches: [{ path: { type: "PathPrefix", value: "/v1" } }],
        filters: [
          {
            type: "ResponseHeaderModifier",
            responseHeaderModifier: { set: [{ name: "via", value: "gateway" }] },
          },
        ],
        timeouts: { request: "0s" },
      },
    },
  },
  "keys in values": {
    api: {
      keys: {
        entries: [
          { name: "alice", sha256: "a".repeat(64), models: ["smollm2-*"], requestsPerMinute: 60 },
          { name: "bob", sha256: "B".repeat(64), expires: "2030-01-31T12:00:00Z", admin: true },
        ],
      },
    },
  },
  "keys in labelled Secrets": { api: { config: { keySecrets: true } } },
  tracing: {
    telemetry: {
      endpoint: "https://collector.example.com",
      protocol: "grpc",
      headersSecret: { name: "collector" },
      samplerArgument: 0.25,
      environment: {
        OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
        OTEL_EXPORTER_OTLP_TIMEOUT: "5000",
      },
    },
  },
  "tracing of everything": {
    telemetry: { endpoint: "http://collector:4318", sampler: "always_on" },
  },
  "an exporter of its own": { telemetry: { environment: { OTEL_TRACES_EXPORTER: "console" } } },
  prometheus: {
    metrics: {
      serviceMonitor: scrape,
      podMonitor: scrape,
      prometheusRule: {
        enabled: true,
        labels: { release: "prometheus" },
        waitingRequests: 5,
        firstTokenSeconds: 2.5,
        additionalRules: [{ record: "localmodel:up", expr: "sum(up)" }],
      },
      dashboards: { enabled: true, annotations: { folder: "AI" }, namespace: "elsewhere" },
    },
  },
  "no metrics": { metrics: { enabled: false } },
  "an open network": { networkPolicy: { enabled: false } },
  "a closed network": {
    networkPolicy: {
      modelNamespaces: ["elsewhere"],
      apiFrom: [{ namespaceSelector: { matchLabels: { team: "search" } } }],
      metricsFrom: [{ podSelector: { matchLabels: { app: "prometheus" } } }],
      apiServerPorts: [6443],
      fetchPorts: [443, 9000],
      fetchExcept: ["169.254.0.0/16", "10.0.0.0/8"],
      extraEgress: [{ ports: [{ port: 3128 }] }],
      extraModelEgress: [{ ports: [{ port: 3128 }] }],
    },
  },
  "no way out for models": {
    networkPolicy: { modelNamespaces: ["elsewhere"], fetchPorts: [], fetchExcept: [] },
  },
  "limits for models": {
    admissionPolicy: {
      enabled: true,
      namespaceSelector: { matchLabels: { models: "restricted" } },
      sources: {
        types: ["huggingFace", "http", "s3", "image"],
        huggingFaceRepos: ["Qwen", "my-org/my-model"],
        hosts: ["models.example.com", "*.example.org"],
        imageRegistries: ["registry.example.com/models"],
        requireSha256: true,
        requireImageDigest: true,
      },
      limits: { replicas: 3, gpusPerReplica: 0, gpuResourceNames: ["nvidia.com/gpu"] },
    },
  },
  "warnings for models": { admissionPolicy: { enabled: true, actions: ["Warn", "Audit"] } },
  tests: {
    tests: {
      model: "smollm2",
      apiKeySecret: { name: "key" },
      annotations: { note: "test", "helm.sh/hook": "post-install" },
    },
  },
  "no tests": { tests: { enabled: false } },
  "further objects": {
    extraObjects: [
      {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: '{{ include "localmodel.fullname" . }}-extra' },
        data: { namespace: "{{ .Release.Namespace }}" },
      },
    ],
  },
};

export function combined(names: readonly string[]): Values {
  return names.map((name) => CHART_FEATURES[name] ?? {}).reduce(merged, {});
}

/** As Helm merges values: maps by key, everything else as a whole. */
function merged(first: Values, second: Values): Values {
  const result: Record<string, unknown> = { ...first };
  for (const [key, value] of Object.entries(second)) {
    const before = result[key];
    result[key] = isMap(before) && isMap(value) ? merged(before, value) : value;
  }
  return result;
}

function isMap(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
