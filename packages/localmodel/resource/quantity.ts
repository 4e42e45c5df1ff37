/**
 * Kubernetes quantities (`500m`, `24Gi`) and maps of them.
 *
 * YAML turns `cpu: 2` into a number, so a quantity may be written as an integer too; parsed, it is
 * always text. A fraction must be quoted (`"0.5"`), as the API server demands of custom resources.
 */
import { z } from "zod";
import { mapOf } from "./map-spec.ts";
import { textLike } from "./text.ts";

export const Quantity = z
  .preprocess(
    (value) => (Number.isSafeInteger(value) && Number(value) >= 0 ? String(value) : value),
    textLike(
      32,
      /^([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?$/,
      'a quantity such as 2, "500m" or "24Gi"',
    ),
  )
  // A larger number would not be what its author wrote: as text it is.
  .meta({
    "x-kubernetes-int-or-string": true,
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
  });

/** What every node has. Devices have a prefix, and of those the image, the nodes and quotas have to know. */
const ResourceName = {
  pattern: /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
  maxLength: 63,
  rule: 'a resource such as "cpu", "memory" or "ephemeral-storage"; devices such as "nvidia.com/gpu" belong in spec.gpu',
};

const Quantities = mapOf(ResourceName, Quantity, 32);

export const ResourcesSpec = z.strictObject({
  requests: Quantities.exactOptional().describe(
    "What the scheduler reserves, by resource name. Default: computed from the weights and the contexts.",
  ),
  limits: Quantities.exactOptional().describe(
    "What the container may not exceed, by resource name. Devices belong in `spec.gpu`.",
  ),
});
export type ResourcesSpec = z.infer<typeof ResourcesSpec>;
