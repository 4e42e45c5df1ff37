/**
 * What the operator is told when it starts: the chart writes it, services/operator reads it, as JSON in the
 * environment variable OPERATOR_CONFIG. Which cluster it works in comes from its surroundings, as for kubectl.
 */
import { z } from "zod";
import { LocalModelClassSpec } from "../resource/class-spec.ts";
import { EnvironmentPolicy } from "../resource/environment-policy.ts";

export const OPERATOR_CONFIG_VARIABLE = "OPERATOR_CONFIG";

const image = z.string().min(1).max(512);
const architectures = z.array(z.string().regex(/^[a-z0-9]{1,32}$/)).max(16);
const groupId = z.int().min(0).max(2_147_483_647);
const port = z.int().min(0).max(65_535);

const capability = z.int().min(0).max(10_000);
const CudaDevices = z.strictObject({
  least: capability.describe("Least compute capability, without its dot; 0: any."),
  compiled: z
    .array(capability)
    .max(64)
    .describe("Compute capabilities that the image has machine code for."),
  otherwiseDriver: z
    .int()
    .min(0)
    .max(100_000)
    .describe(
      "Major version of the driver that compiles for all others; 0: no other than the image needs anyway.",
    ),
});

/** What the images of a release are for. */
function devices(byDefault: z.infer<typeof CudaDevices>) {
  return CudaDevices.default(byDefault);
}

export const OperatorConfig = z.strictObject({
  images: z
    .strictObject({
      cpu: image,
      cuda: image.exactOptional(),
      cuda12: image.exactOptional(),
      rocm: image.exactOptional(),
      vulkan: image.exactOptional(),
    })
    .describe(
      "Model-server images. A GPU model whose image is not named gets the one for CPUs. Of `cuda` and `cuda12`, both for NVIDIA's devices, nodes' labels decide. Devices of AMD get `rocm`, and `vulkan` where it is not named.",
    ),
  architectures: z
    .strictObject({
      cpu: architectures.exactOptional(),
      cuda: architectures.exactOptional(),
      cuda12: architectures.exactOptional(),
      rocm: architectures.exactOptional(),
      vulkan: architectures.exactOptional(),
    })
    .default({})
    .describe("What each image is built for, as nodes' label kubernetes.io/arch; absent: all."),
  imagePullPolicy: z.enum(["Always", "IfNotPresent", "Never"]).exactOptional(),
  imagePullSecrets: z.array(z.string().min(1)).default([]),
  namespaces: z
    .array(z.string().min(1))
    .default([])
    .describe("Namespaces whose LocalModels it looks after; empty for all."),
  modelEnvironment: z
    .record(z.string().regex(/^OTEL_[A-Z0-9_]{1,120}$/), z.string().max(4096))
    .refine((variables) => Object.keys(variables).length <= 64, "must have at most 64 variables")
    .default({})
    .describe("OpenTelemetry's variables for the servers of all models; a model's own come first."),
  environmentPolicy: EnvironmentPolicy.prefault({}).describe(
    "What spec.env of LocalModels may do besides what it always may.",
  ),
  sourceHosts: z
    .array(z.string().min(1))
    .exactOptional()
    .describe("Hosts that http and s3 sources may be redirected to; absent: all."),
  serverKeyFile: z
    .string()
    .min(1)
    .exactOptional()
    .describe("The secret that model servers know the API service by: server-key.ts."),
  serverKeySecret: z
    .strictObject({ namespace: z.string().min(1), name: z.string().min(1) })
    .exactOptional()
    .describe("Instead of a file: the Secret that holds it, made where there is none."),
  fetch: z
    .strictObject({
      environment: z
        .record(
          z
            .string()
            .regex(
              /^(HTTPS?_PROXY|ALL_PROXY|NO_PROXY|https?_proxy|all_proxy|no_proxy|HF_ENDPOINT|AWS_REGION|AWS_ENDPOINT_URL_STS|AWS_EC2_METADATA_DISABLED)$/,
            ),
          z.string().max(4096),
        )
        .default({})
        .describe("Proxies, where Hugging Face is, and who lends keys for S3."),
      caBundle: z
        .strictObject({ configMap: z.string().min(1).max(253), key: z.string().min(1).max(253) })
        .exactOptional()
        .describe("Further certificate authorities, in a ConfigMap of each model's namespace."),
    })
    .prefault({})
    .describe("How the containers that inspect and fetch weights reach their sources."),
  podSecurity: z
    .strictObject({
      runAsUser: groupId.min(1).nullable().default(10_001),
      runAsGroup: groupId.nullable().default(10_001),
      fsGroup: groupId.nullable().default(10_001),
      supplementalGroups: z.array(groupId).max(16).default([]),
    })
    .prefault({})
    .describe("Whom models' pods run as; null: whom the cluster chooses, as OpenShift does."),
  ephemeralStorageRequests: z
    .boolean()
    .default(true)
    .describe("Whether pods ask for the disk that their weights take. Nodes have to count it."),
  leastCudaDriver: z
    .int()
    .min(0)
    .max(100_000)
    .default(580)
    .describe(
      "Major version of NVIDIA's driver that the image for its devices needs at least: nodes that are labelled as having an older one are left out. 0: none is.",
    ),
  leastCuda12Driver: z
    .int()
    .min(0)
    .max(100_000)
    .default(550)
    .describe("The same for the image `cuda12`."),
  cudaDevices: z
    .strictObject({
      cuda: devices({ least: 75, compiled: [86, 89, 120, 121], otherwiseDriver: 590 }),
      cuda12: devices({ least: 50, compiled: [], otherwiseDriver: 0 }),
    })
    .prefault({})
    .describe("Which devices each image for NVIDIA's is for, where both are named."),
  runtimeImages: z
    .array(z.string().min(1).max(512))
    .max(64)
    .default([])
    .describe(
      "Repositories of images that spec.runtime may name, besides those of `images`; `*` stands for any characters.",
    ),
  defaultClass: LocalModelClassSpec.exactOptional().describe(
    "The class of LocalModels that name none, where the cluster has no LocalModelClass `default`: its spec.",
  ),
  upgrades: z
    .strictObject({
      maxRolling: z
        .int()
        .min(1)
        .max(1000)
        .default(2)
        .describe("Models whose pods are replaced at the same time; until the first serves, one."),
    })
    .prefault({})
    .describe("What happens when a new version of the operator wants other pods."),
  downloads: z
    .strictObject({
      maxPerHost: z
        .int()
        .min(1)
        .max(1000)
        .default(4)
        .describe("Caches that are filled from one host at the same time, before there are pods."),
    })
    .prefault({})
    .describe("How much is downloaded at once."),
  demand: z
    .strictObject({
      namespace: z.string().min(1),
      service: z.string().min(1).describe("The Service of the API service."),
      port: z.int().min(1).max(65_535).default(9090).describe("Where its pods tell their demand."),
    })
    .exactOptional()
    .describe(
      "Who says what is asked for. Absent: nobody, and models with spec.scaling keep one replica at least.",
    ),
  leaderElection: z
    .strictObject({
      enabled: z.boolean().default(true),
      namespace: z.string().min(1).exactOptional().describe("Default: the namespace it runs in."),
      name: z.string().min(1).default("localmodel-operator"),
      leaseDurationMs: z.int().min(1000).default(15_000),
      renewDeadlineMs: z.int().min(500).default(10_000),
      retryPeriodMs: z.int().min(100).default(2000),
    })
    .prefault({}),
  host: z.string().min(1).default("0.0.0.0"),
  port: port.default(8080).describe("`/healthz`, `/readyz` and `/metrics`."),
  workers: z.int().min(1).max(64).default(4),
  resyncMs: z.int().min(1000).default(36_000_000),
});
export type OperatorConfig = z.infer<typeof OperatorConfig>;
export type OperatorConfigInput = z.input<typeof OperatorConfig>;
