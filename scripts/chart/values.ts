/**
 * All values of charts/localmodel, in the order of values.yaml.
 *
 * What the chart passes on to a component is judged by that component's own schema, so that a setting is never
 * refused when it is new, nor a misspelt one found out only by a pod that does not start.
 */
import { z } from "zod";
import { api } from "./api-values.ts";
import { metrics, telemetry } from "./observability-values.ts";
import { modelServer, operator } from "./operator-values.ts";
import { admissionPolicy, networkPolicy, tests } from "./policy-values.ts";
import { anyList, anyMap, labels, namespace, pullPolicy, strings, tag } from "./value-schemas.ts";
import { group, value } from "./value-tree.ts";

export const VALUES = group("Values of the chart.", {
  nameOverride: value(
    "What stands for the chart's name in names and in `app.kubernetes.io/name`. Not to be changed while it is installed.",
    z.string().regex(/^([a-z]([-a-z0-9]{0,48}[a-z0-9])?)?$/),
    "",
  ),
  fullnameOverride: value(
    "Name of all objects. Default: the release's name and the chart's, unless the first contains the second.",
    z.string().regex(/^([a-z]([-a-z0-9]{0,48}[a-z0-9])?)?$/),
    "",
  ),
  namespaceOverride: value(
    "Namespace of all objects. Default: the release's. It has to be there.",
    z.union([namespace, z.literal("")]),
    "",
  ),
  commonLabels: value("Further labels of all objects.", labels, {}),
  commonAnnotations: value("Annotations of all objects.", strings, {}),
  image: group("What the images of all components have in common.", {
    registry: value(
      "Registry and path before each repository, such as `registry.example.com/localmodel`.",
      z.string(),
      "",
    ),
    tag: value("Default: the chart's appVersion.", tag, ""),
    pullPolicy: value(
      "Always, IfNotPresent or Never. Default: as Kubernetes does, by the tag.",
      pullPolicy,
      "",
    ),
  }),
  global: value(
    "What all charts of an umbrella share: `imageRegistry` counts where `image.registry` is empty, `imagePullSecrets` beside those below.",
    z.looseObject({
      imageRegistry: z.string().nullish(),
      imagePullSecrets: z
        .array(z.union([z.string().min(1), z.looseObject({ name: z.string().min(1) })]))
        .nullish(),
    }),
    { imageRegistry: "", imagePullSecrets: [] },
  ),
  imagePullSecrets: value(
    "Secrets with credentials of the registry: `[{ name: registry }]`. Models' pods use them too, so the namespaces " +
      "of models need Secrets of these names.",
    z.array(z.strictObject({ name: z.string().min(1) })),
    [],
  ),
  watchNamespaces: value(
    "Namespaces whose LocalModels are served. Empty: all. With namespaces, no permission reaches beyond them.",
    z.array(namespace),
    [],
  ),
  logLevel: value(
    "How much is logged: debug, info, warn or error.",
    z.enum(["debug", "info", "warn", "error"]),
    "info",
  ),
  crds: group("The definition of LocalModel.", {
    enabled: value("Install it, and upgrade it with the chart.", z.boolean(), true),
    keep: value(
      "Leave it, and with it all LocalModels and their pods, when the release is uninstalled.",
      z.boolean(),
      true,
    ),
  }),
  rbac: group("Rights.", {
    create: value("Roles and bindings of the components.", z.boolean(), true),
    aggregate: value(
      "Adds rights on LocalModels to the roles view, edit and admin of a namespace.",
      z.boolean(),
      true,
    ),
  }),
  podSecurityContext: value("Security context of the chart's own pods.", anyMap, {
    runAsNonRoot: true,
    runAsUser: 10_001,
    runAsGroup: 10_001,
    seccompProfile: { type: "RuntimeDefault" },
  }),
  securityContext: value("Security context of their containers.", anyMap, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  }),
  operator,
  modelServer,
  api,
  telemetry,
  metrics,
  networkPolicy,
  admissionPolicy,
  tests,
  extraObjects: value("Further objects, in which templates work.", anyList, []),
  enabled: value(
    "What the `condition` of a chart that this one is part of may name; of no effect here.",
    z.boolean().optional(),
    undefined,
  ),
});
