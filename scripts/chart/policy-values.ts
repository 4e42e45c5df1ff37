/** Values that say what is allowed: on the network, and in a LocalModel. */
import { z } from "zod";
import { SOURCE_TYPES } from "@localmodel/localmodel/resource/source-spec.ts";
import { anyList, anyMap, namespace, port, strings } from "./value-schemas.ts";
import { group, value } from "./value-tree.ts";

/** It ends up between the quotes of CEL. */
const plain = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/@-]*$/);
const host = z.string().regex(/^(\*\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);
const cap = z.int().min(0).max(100_000).nullish();

export const networkPolicy = group("Who may connect to whom, where the network enforces it.", {
  enabled: value("Whether to make NetworkPolicies.", z.boolean(), true),
  modelNamespaces: value(
    "Namespaces whose models' pods get policies. Default: `watchNamespaces`.",
    z.array(namespace),
    [],
  ),
  apiFrom: value("Who may call the API service; none: everybody.", anyList, []),
  metricsFrom: value("Who may read metrics; none: everybody.", anyList, []),
  apiServerPorts: value(
    "Where the cluster's API server listens.",
    z.array(port).min(1),
    [443, 6443, 8443, 16_443],
  ),
  fetchPorts: value(
    "Where sources of weights listen: models' pods reach nothing else outside.",
    z.array(port),
    [80, 443],
  ),
  fetchExcept: value(
    "IPv4 addresses that no source of weights has: those of clouds' metadata.",
    z.array(z.string().regex(/^[0-9]{1,3}(\.[0-9]{1,3}){3}\/[1-9][0-9]?$/)),
    ["169.254.0.0/16"],
  ),
  extraEgress: value("Further ways out of the API service and the operator.", anyList, []),
  extraModelEgress: value("Further ways out of models' pods.", anyList, []),
});

export const admissionPolicy = group(
  "What a LocalModel may ask for: a ValidatingAdmissionPolicy, which the API server enforces.",
  {
    enabled: value("Whether to make it.", z.boolean(), false),
    actions: value(
      "What happens to a LocalModel that asks for more.",
      z.array(z.enum(["Deny", "Warn", "Audit"])).min(1),
      ["Deny"],
    ),
    namespaceSelector: value("Labels of namespaces it is for; default: all.", anyMap, {}),
    sources: group("Where weights may come from. Empty lists allow everything.", {
      types: value(
        "Kinds of sources, such as `[huggingFace, image]`.",
        z.array(z.enum(SOURCE_TYPES)),
        [],
      ),
      huggingFaceRepos: value(
        "Owners or repositories, such as `[Qwen, my-org/my-model]`.",
        z.array(plain),
        [],
      ),
      hosts: value(
        'Hosts of `http` and `s3` sources, such as `[models.example.com, "*.example.org"]`.',
        z.array(host),
        [],
      ),
      imageRegistries: value(
        "What references of `image` sources begin with, such as `[registry.example.com/models]`.",
        z.array(plain),
        [],
      ),
      requireSha256: value("Whether files must have a `sha256`.", z.boolean(), false),
      requireImageDigest: value("Whether images must be named by digest.", z.boolean(), false),
    }),
    modelIds: value(
      "Ids that only some namespaces may claim, as `[{ ids: [team-a/*], namespaces: [team-a] }]`: as modelId, alias or adapter's id; `*` stands for any characters.",
      z.array(
        z.strictObject({
          ids: z.array(z.string().regex(/^[A-Za-z0-9_.:@+/*-]+$/)).min(1),
          namespaces: z.array(namespace),
        }),
      ),
      [],
    ),
    limits: group("How much one LocalModel may ask for.", {
      replicas: value("Replicas.", cap, null),
      gpusPerReplica: value("Devices of one replica.", cap, null),
      gpuResourceNames: value("Resource names that it may ask for; none: all.", z.array(plain), []),
    }),
  },
);

export const tests = group("The request that `helm test` makes.", {
  enabled: value("Whether there is one.", z.boolean(), true),
  model: value("Which model to ask; default: the first that is listed.", z.string(), ""),
  apiKeySecret: group("A Secret of this namespace with a key, where keys are asked for.", {
    name: value("Its name.", z.string(), ""),
    key: value("Key of the Secret's data.", z.string(), "key"),
  }),
  timeoutSeconds: value("How long the answer may take.", z.int().min(1).max(3600), 300),
  annotations: value("Annotations of the pod.", strings, {}),
});
