/**
 * `spec.gpu`: the accelerators each replica gets.
 *
 * Either a count of an extended resource, narrowed by the labels of nodes, or a claim template of
 * dynamic resource allocation, which selects devices by itself.
 */
import { z } from "zod";
import { LabelValue, QualifiedName } from "./map-spec.ts";
import { Quantity } from "./quantity.ts";
import { Subdomain, textLike } from "./text.ts";

const CLAIM_SELECTS =
  "memory and products must not be set with resourceClaimTemplateName: the claim selects the devices";

export const GpuSpec = z
  .strictObject({
    count: z
      .int()
      .min(0)
      .max(64)
      .default(1)
      .describe("Devices per replica. 0 runs on the CPU. Not used with a claim template."),
    resourceName: textLike(
      QualifiedName.maxLength,
      QualifiedName.pattern,
      'a resource name such as "nvidia.com/gpu", "nvidia.com/mig-1g.10gb" or "amd.com/gpu"',
    )
      .default("nvidia.com/gpu")
      .describe("Extended resource to request: other vendors and MIG slices by their names."),
    memory: Quantity.exactOptional().describe(
      "Least memory of each device. Nodes are chosen by the label `nvidia.com/gpu.memory`.",
    ),
    products: z
      .array(LabelValue)
      .max(32)
      .exactOptional()
      .describe("Acceptable products, as in the node label `nvidia.com/gpu.product`.")
      .meta({ "x-kubernetes-list-type": "atomic" }),
    requirement: z
      .enum(["Required", "Preferred"])
      .default("Required")
      .describe(
        "Whether the model is served on the CPU where its devices do not work: with Required it fails, and says so.",
      ),
    resourceClaimTemplateName: Subdomain.exactOptional().describe(
      "ResourceClaimTemplate (dynamic resource allocation) to use instead of a resource count.",
    ),
  })
  .check((payload) => {
    const { resourceClaimTemplateName, memory, products } = payload.value;
    if (resourceClaimTemplateName === undefined) return;
    if (memory === undefined && products === undefined) return;
    payload.issues.push({ code: "custom", message: CLAIM_SELECTS, input: payload.value });
  })
  .meta({
    "x-kubernetes-validations": [
      {
        rule: "!has(self.resourceClaimTemplateName) || !(has(self.memory) || has(self.products))",
        message: CLAIM_SELECTS,
      },
    ],
  });
export type GpuSpec = z.infer<typeof GpuSpec>;
