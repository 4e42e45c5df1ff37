/** Values of the operator, and of the images that it gives to models. */
import { z } from "zod";
import { EnvironmentPolicy } from "@localmodel/localmodel/resource/environment-policy.ts";
import { OperatorConfig } from "@localmodel/localmodel/contracts/operator-config.ts";
import { disruptionBudget, image, pods, serviceAccount } from "./component-values.ts";
import { digest, objectName, pullPolicy, tag } from "./value-schemas.ts";
import { erasable, group, value } from "./value-tree.ts";

const variant = z.strictObject({
  repository: z.string().min(1),
  tag: tag.exactOptional(),
  digest: digest.exactOptional(),
  architectures: z.array(z.string().regex(/^[a-z0-9]{1,32}$/)).exactOptional(),
});

const allowed = EnvironmentPolicy.shape;

export const operator = group("Turns LocalModels into pods.", {
  replicas: value(
    "Number of replicas. One acts and the others stand by, of which one takes over within 15 seconds.",
    z.int().min(0).max(10),
    1,
  ),
  image: image("localmodel-operator"),
  config: value(
    "Further settings: packages/localmodel/contracts/operator-config.ts, such as `{ workers: 8 }`.",
    // The others follow from other values.
    OperatorConfig.omit({
      architectures: true,
      environmentPolicy: true,
      images: true,
      imagePullPolicy: true,
      imagePullSecrets: true,
      modelEnvironment: true,
      namespaces: true,
      port: true,
      serverKeyFile: true,
      serverKeySecret: true,
      demand: true,
      sourceHosts: true,
    }),
    {},
  ),
  serviceAccount: serviceAccount(),
  podDisruptionBudget: disruptionBudget(),
  ...pods({ requests: { cpu: "50m", memory: "128Mi" }, limits: { memory: "512Mi" } }),
});

export const modelServer = group("What models' pods run.", {
  images: group(
    "Images by the hardware that they are for. Where one is null, the one for the CPU is used. `architectures`: nodes that can run it, by their label kubernetes.io/arch; none: all.",
    {
      cpu: value("For models without a GPU.", variant, named("localmodel-model-server")),
      cuda: erasable(
        value(
          "For GPUs of NVIDIA, with CUDA 13.",
          variant,
          named("localmodel-model-server-cuda", ["amd64"]),
        ),
      ),
      cuda12: erasable(
        value(
          "For GPUs of NVIDIA whose nodes have drivers, or that are devices, which `cuda` is not for: docs/gpu.md. Where one of the two is null, the other one is for all.",
          variant,
          named("localmodel-model-server-cuda12", ["amd64"]),
        ),
      ),
      rocm: erasable(
        value(
          "For GPUs of AMD (`amd.com/…`), instead of `vulkan`: an image that you have built, for your devices: docs/gpu.md. A release has none.",
          variant,
          null,
        ),
      ),
      vulkan: erasable(
        value("For other GPUs.", variant, named("localmodel-model-server-vulkan", ["amd64"])),
      ),
    },
  ),
  pullPolicy: value("Default: `image.pullPolicy`.", pullPolicy, ""),
  key: group("The secret that models' pods know the API service by. The operator makes it, once.", {
    enabled: value(
      "Off, models' pods answer whoever reaches them, and believe whose a request is.",
      z.boolean(),
      true,
    ),
    existingSecret: value(
      "A Secret of the release's namespace that you have made, instead of the operator's.",
      objectName,
      "",
    ),
    existingSecretKey: value(
      "Where in yours; the first line is shown, all are known.",
      z.string().min(1),
      "key",
    ),
  }),
  environmentPolicy: group(
    "What `spec.env` of a LocalModel may do besides tuning llama.cpp and naming proxies; `*` stands for any characters.",
    {
      variables: value(
        "Variables that it may set: whoever sets `NODE_OPTIONS` runs code in the model's pods.",
        allowed.variables,
        [],
      ),
      secrets: value("Secrets of its namespace that it may refer to.", allowed.secrets, []),
      configMaps: value("ConfigMaps that it may refer to.", allowed.configMaps, []),
    },
  ),
});

function named(repository: string, architectures: readonly string[] = []) {
  return { repository, tag: "", digest: "", architectures };
}
