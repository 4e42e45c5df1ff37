/**
 * LocalModelClass, cluster-scoped: what a platform gives to the LocalModels that name it, and what it lets them do.
 *
 * A LocalModel without `className` has the class named "default", where there is one. What the LocalModel says itself comes
 * before what the class gives, but for labels of nodes and variables of the containers that fetch, which are the platform's.
 */
import { z } from "zod";
import { UnusedSpec } from "./cache-spec.ts";
import { mapOf, PodMetadata } from "./map-spec.ts";
import { placementFields } from "./placement-spec.ts";
import { Quantity, ResourcesSpec } from "./quantity.ts";
import { boundedString, Subdomain, textLike } from "./text.ts";

export const CLASS_KIND = "LocalModelClass";
export const CLASS_PLURAL = "localmodelclasses";
/** Of LocalModels that name none. */
export const DEFAULT_CLASS = "default";

const set = { "x-kubernetes-list-type": "set" };
const id = z.int().min(0).max(2_147_483_647);

const NamespacePattern = textLike(
  63,
  /^[a-z0-9*]([-a-z0-9*]*[a-z0-9*])?$/,
  'the name of a namespace; "*" stands for any characters',
);

const IdPattern = textLike(
  256,
  /^[A-Za-z0-9_.:@+*{}/-]+$/,
  'a model id; "*" stands for any characters, "{namespace}" for the LocalModel\'s namespace',
);

const HostPattern = textLike(
  253,
  /^[a-z0-9*][-a-z0-9.*]*$/,
  'the name of a host; "*" stands for any characters',
);

const VariableName = {
  pattern: /^[A-Za-z_][A-Za-z0-9_]*$/,
  maxLength: 253,
  rule: 'the name of an environment variable such as "HTTPS_PROXY"',
};

const { tolerations, nodeSelector, supplementalGroups, imagePullSecrets } = placementFields;
const { runtimeClassName, priorityClassName, schedulerName, serviceAccountName } = placementFields;

const text253 = boundedString(253);
const atomic = { "x-kubernetes-list-type": "atomic" };
const Address = textLike(45, /^[0-9A-Fa-f.:]+$/, "an IP address");

/** Of all pods, those that fetch included. Of those that serve there may be more, in a patch. */
const PodFields = z.strictObject({
  dnsPolicy: z
    .enum(["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"])
    .exactOptional()
    .describe("Where names are looked up."),
  dnsConfig: z
    .strictObject({
      nameservers: z.array(Address).max(3).exactOptional().describe("Servers.").meta(atomic),
      searches: z.array(text253).max(32).exactOptional().describe("Domains.").meta(atomic),
      options: z
        .array(
          z.strictObject({
            name: text253.describe("Name, such as `ndots`."),
            value: text253.exactOptional().describe("Value."),
          }),
        )
        .max(32)
        .exactOptional()
        .describe("Options of the resolver.")
        .meta(atomic),
    })
    .exactOptional()
    .describe("How names are looked up."),
  hostAliases: z
    .array(
      z.strictObject({
        ip: Address.describe("Address."),
        hostnames: z.array(Subdomain).max(32).describe("Its names.").meta(atomic),
      }),
    )
    .max(64)
    .exactOptional()
    .describe("Lines of /etc/hosts.")
    .meta(atomic),
  hostUsers: z
    .boolean()
    .exactOptional()
    .describe("false: users of the pods are others than those of their node."),
  preemptionPolicy: z
    .enum(["PreemptLowerPriority", "Never"])
    .exactOptional()
    .describe("Whether pods of less priority make room."),
});

/** As Kubernetes has it; what of it may be said the operator checks, as no schema can. */
const FreeFields = z
  .record(z.string(), z.unknown())
  .meta({ "x-kubernetes-preserve-unknown-fields": true });

const PodTemplatePatch = z.strictObject({
  spec: FreeFields.describe(
    "Fields of Kubernetes' PodSpec. Objects are merged, and so are containers, volumes, variables and mounts of the same name; other lists are replaced; null takes away. What belongs to the operator is refused.",
  ),
});

export const LocalModelClassSpec = z.strictObject({
  allowedNamespaces: z
    .array(NamespacePattern)
    .max(256)
    .default(["*"])
    .describe("Namespaces whose LocalModels may have the class.")
    // Of a set, server-side apply would leave the default beside what it is narrowed to.
    .meta({ "x-kubernetes-list-type": "atomic" }),
  modelIds: z
    .array(IdPattern)
    .max(256)
    .exactOptional()
    .describe(
      "Ids that its LocalModels may claim, as modelId, alias or adapter's id, such as `{namespace}/*`. Absent: all.",
    )
    .meta(set),
  imageHosts: z
    .array(HostPattern)
    .max(256)
    .exactOptional()
    .describe("Hosts that `spec.imageUrls` may allow. Absent: all.")
    .meta(set),
  quota: z
    .strictObject({
      replicas: id.exactOptional().describe("Replicas asked for."),
      devices: id.exactOptional().describe("Devices of all these replicas."),
      deviceMemory: Quantity.exactOptional().describe(
        "Memory of all these devices, as `spec.gpu.memory` asks for it: LocalModels have to say it then.",
      ),
    })
    .exactOptional()
    .describe(
      "What LocalModels of the class may ask for together, in each namespace; older ones come first.",
    ),
  tolerations,
  nodeSelector,
  runtimeClassName,
  priorityClassName,
  schedulerName,
  serviceAccountName: serviceAccountName.describe(
    "ServiceAccount of the pods, in each namespace with LocalModels, for those that name none: with a role of a cloud's it lets them fetch weights without keys.",
  ),
  supplementalGroups,
  imagePullSecrets,
  podMetadata: PodMetadata.exactOptional().describe(
    "Labels and annotations of the pods that serve; a LocalModel's own come first.",
  ),
  pod: PodFields.exactOptional().describe("Further fields of all pods."),
  podTemplatePatch: PodTemplatePatch.exactOptional().describe(
    "What else the pods that serve are to have: further containers, volumes, mounts, variables and the like.",
  ),
  podSecurity: z
    .strictObject({
      chosenByCluster: z
        .boolean()
        .default(false)
        .describe("Whether the cluster chooses users and groups, as OpenShift does."),
      runAsUser: id.min(1).exactOptional().describe("User of the pods."),
      runAsGroup: id.exactOptional().describe("Group of the pods."),
      fsGroup: id.exactOptional().describe("Group that volumes belong to."),
    })
    .exactOptional()
    .describe("Whom pods run as. Default: as the operator's configuration says."),
  environment: mapOf(VariableName, boundedString(4096), 64)
    .exactOptional()
    .describe(
      "Variables of all containers, those that inspect and fetch included: proxies, HF_ENDPOINT and the like.",
    ),
  caBundle: z
    .strictObject({
      configMap: Subdomain.describe("Name of the ConfigMap, in each namespace with LocalModels."),
      key: textLike(253, /^[-._a-zA-Z0-9]+$/, 'letters, digits, "-", "_" and "."').describe(
        "Key in the ConfigMap.",
      ),
    })
    .exactOptional()
    .describe("Further certificate authorities that all containers trust."),
  cache: z
    .strictObject({
      size: Quantity.describe("Size of the claim."),
      storageClassName: Subdomain.exactOptional().describe("Default: the cluster's."),
      accessMode: z
        .enum(["ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"])
        .default("ReadWriteOnce")
        .describe("Replicas on several nodes need ReadWriteMany."),
      unused: UnusedSpec.exactOptional().describe("As in `spec.cache` of a LocalModel."),
    })
    .exactOptional()
    .describe("The claim that keeps weights, for LocalModels without `cache`."),
  resources: ResourcesSpec.exactOptional().describe(
    "CPU and memory of each replica, for LocalModels without `resources`.",
  ),
});
export type LocalModelClassSpec = z.infer<typeof LocalModelClassSpec>;
export type LocalModelClassSpecInput = z.input<typeof LocalModelClassSpec>;
