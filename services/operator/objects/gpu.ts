/**
 * Accelerators: what a LocalModel's `gpu` means for its container, its nodes and the taints it tolerates.
 *
 * Memory and products are labels that NVIDIA's feature discovery puts on nodes. Other vendors label
 * differently and not all alike; for them `nodeSelector` and `affinity` say it (see unsupported.ts).
 */
import type { GpuSpec } from "@localmodel/localmodel/resource/gpu-spec.ts";
import type { Model } from "../model/model.ts";
import { MEBIBYTE, quantityValue } from "./quantities.ts";

export type NodeRequirement = {
  readonly key: string;
  readonly operator: string;
  readonly values: readonly string[];
};

const NVIDIA = "nvidia.com/";
const AMD = "amd.com/";
const NVIDIA_GPU = "nvidia.com/gpu";
const CLAIM_NAME = "gpu";
/** By which nodes with NVIDIA's devices are known: of GPU feature discovery, and of clouds that do without it. */
const DEVICE_LABELS = [
  "nvidia.com/gpu.present",
  "nvidia.com/gpu.product",
  "cloud.google.com/gke-accelerator",
  "k8s.amazonaws.com/accelerator",
  "eks.amazonaws.com/instance-gpu-count",
  "karpenter.k8s.aws/instance-gpu-count",
  "kubernetes.azure.com/accelerator",
] as const;

/** Undefined for a model that runs on the CPU. */
export function gpuOf({ spec }: Pick<Model, "spec">): GpuSpec | undefined {
  const { gpu } = spec;
  if (gpu === undefined) return undefined;
  return gpu.resourceClaimTemplateName === undefined && gpu.count === 0 ? undefined : gpu;
}

/** Devices that no layer is to use need not be there, nor be large. */
export function usesDevices(model: Pick<Model, "spec">): boolean {
  return gpuOf(model) !== undefined && model.spec.engine.gpuLayers !== 0;
}

export function isNvidia({ resourceName }: GpuSpec): boolean {
  return resourceName.startsWith(NVIDIA);
}

export function isAmd({ resourceName }: GpuSpec): boolean {
  return resourceName.startsWith(AMD);
}

/** Extended resources have to be the same in requests and limits. */
export function gpuResources(gpu: GpuSpec | undefined): Readonly<Record<string, string>> {
  if (gpu === undefined || gpu.resourceClaimTemplateName !== undefined) return {};
  return { [gpu.resourceName]: String(gpu.count) };
}

export function containerClaims(gpu: GpuSpec | undefined) {
  return gpu?.resourceClaimTemplateName === undefined ? {} : { claims: [{ name: CLAIM_NAME }] };
}

export function podClaims(gpu: GpuSpec | undefined) {
  const resourceClaimTemplateName = gpu?.resourceClaimTemplateName;
  if (resourceClaimTemplateName === undefined) return {};
  return { resourceClaims: [{ name: CLAIM_NAME, resourceClaimTemplateName }] };
}

/** The label of nodes that counts the memory of each device, in whole MiB. None where nobody sets one. */
export function memoryLabel(gpu: GpuSpec): string | undefined {
  const isCounted = isNvidia(gpu) && gpu.resourceClaimTemplateName === undefined;
  return isCounted ? `${labelPrefix(gpu)}.memory` : undefined;
}

/** Slices have labels of their own: those of the whole device would promise too much. */
function labelPrefix({ resourceName }: GpuSpec): string {
  return resourceName.startsWith("nvidia.com/mig-") ? resourceName : NVIDIA_GPU;
}

export function gpuRequirements(gpu: GpuSpec | undefined): readonly NodeRequirement[] {
  if (gpu === undefined || !isNvidia(gpu)) return [];
  const prefix = labelPrefix(gpu);
  const leastMiB = Math.ceil(quantityValue(gpu.memory ?? "0") / MEBIBYTE);
  return [
    // The label counts whole MiB, and there is no "at least".
    ...(leastMiB > 0
      ? [{ key: `${prefix}.memory`, operator: "Gt", values: [String(leastMiB - 1)] }]
      : []),
    ...(gpu.products !== undefined && gpu.products.length > 0
      ? [{ key: `${prefix}.product`, operator: "In", values: gpu.products }]
      : []),
  ];
}

/** Alternatives, by which nodes with such devices are known. None: nobody can tell them from others. */
export function deviceNodes(gpu: GpuSpec): readonly NodeRequirement[] {
  if (!isNvidia(gpu) || gpu.resourceClaimTemplateName !== undefined) return [];
  return DEVICE_LABELS.map((key) => ({ key, operator: "Exists", values: [] }));
}

/** By convention nodes with accelerators are tainted with the name of the resource. */
export function gpuTolerations(gpu: GpuSpec | undefined) {
  if (gpu === undefined) return [];
  const keys = new Set([gpu.resourceName, ...(isNvidia(gpu) ? [NVIDIA_GPU] : [])]);
  return [...keys].map((key) => ({ key, operator: "Exists", effect: "NoSchedule" }));
}
