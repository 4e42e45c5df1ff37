/** Values that the operator and the API service have alike. */
import { z } from "zod";
import { group, type Node, value } from "./value-tree.ts";
import {
  anyList,
  anyMap,
  digest,
  labels,
  namedBeside,
  numberOrShare,
  objectName,
  pullPolicy,
  strings,
  tag,
} from "./value-schemas.ts";

/** Volumes of the chart itself. */
const OWN_VOLUMES = ["tmp", "keys", "server-key", "valkey"] as const;

export function image(repository: string) {
  return group("Its image.", {
    repository: value("Below `image.registry`.", z.string().min(1), repository),
    tag: value("Default: `image.tag`.", tag, ""),
    digest: value("`sha256:…`; comes before any tag.", digest, ""),
    pullPolicy: value("Default: `image.pullPolicy`.", pullPolicy, ""),
  });
}

export function disruptionBudget() {
  return group(
    "Made only for more than one replica: with a single one it would keep its node from being drained.",
    {
      enabled: value("Whether to make one.", z.boolean(), true),
      maxUnavailable: value(
        "How many may be gone at a time: a number or a share.",
        numberOrShare,
        1,
      ),
      minAvailable: value(
        "Instead of `maxUnavailable`: how many have to be there.",
        numberOrShare.nullish(),
        null,
      ),
    },
  );
}

export function serviceAccount() {
  return group("The account it has in the cluster.", {
    create: value("Whether to make it.", z.boolean(), true),
    name: value("Default: the name of the component's other objects.", objectName, ""),
    annotations: value("Annotations of the account.", strings, {}),
  });
}

const seconds = z.int().min(1).max(3600).exactOptional();

/** What is asked, and where, follows from the component. */
const probe = z.strictObject({
  initialDelaySeconds: z.int().min(0).max(3600).exactOptional(),
  periodSeconds: seconds,
  timeoutSeconds: seconds,
  failureThreshold: z.int().min(1).max(1000).exactOptional(),
});

const STRATEGY = z.strictObject({
  type: z.enum(["RollingUpdate", "Recreate"]).exactOptional(),
  rollingUpdate: z
    .strictObject({
      maxSurge: numberOrShare.exactOptional(),
      maxUnavailable: numberOrShare.exactOptional(),
    })
    .exactOptional(),
});

export function pods(resources: object): Readonly<Record<string, Node>> {
  return {
    resources: value("Requests and limits of the container.", anyMap, resources),
    labels: value("Further labels of the Deployment.", labels, {}),
    annotations: value("Annotations of the Deployment.", strings, {}),
    podLabels: value("Further labels of pods.", labels, {}),
    podAnnotations: value("Annotations of pods.", strings, {}),
    priorityClassName: value(
      "Priority class: which pods go first when there is no room.",
      objectName,
      "",
    ),
    nodeSelector: value("Labels that nodes must have.", strings, {}),
    tolerations: value("Taints of nodes that its pods tolerate.", anyList, []),
    affinity: value("Rules for choosing nodes.", anyMap, {}),
    topologySpreadConstraints: value(
      "Default: replicas on different nodes where possible.",
      anyList,
      [],
    ),
    livenessProbe: value(
      "What differs from the chart's own times, such as `{ failureThreshold: 12 }`.",
      probe,
      {},
    ),
    readinessProbe: value("Likewise.", probe, {}),
    strategy: value(
      "How the Deployment replaces its pods. Default: of the API service one after the other, each new one before an old one.",
      STRATEGY,
      {},
    ),
    extraEnv: value(
      "Further environment variables; one that the chart sets as well is replaced.",
      namedBeside(),
      [],
    ),
    extraEnvFrom: value("ConfigMaps and Secrets whose keys become variables.", anyList, []),
    extraVolumes: value("Further volumes.", namedBeside(...OWN_VOLUMES), []),
    extraVolumeMounts: value(
      "Where they are mounted in the container.",
      namedBeside(...OWN_VOLUMES),
      [],
    ),
    extraContainers: value("Containers beside it.", namedBeside("api", "operator"), []),
    extraInitContainers: value("Containers that run before it.", namedBeside(), []),
    extraPodSpec: value(
      "Further fields of the pods, such as `dnsConfig` or `runtimeClassName`; those of the chart stay.",
      anyMap,
      {},
    ),
  };
}
