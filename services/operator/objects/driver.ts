/**
 * Which nodes have a driver that the image for NVIDIA's devices works with, by the label of GPU feature discovery.
 *
 * As with the memory of devices, only nodes are left out of which the label says that they will not do: the server tells of
 * the others, and of devices that need a newer driver than most (`DriverTooOld`).
 */
import type { Model } from "../model/model.ts";
import type { Platform } from "../model/platform.ts";
import { serverImage } from "./image.ts";
import { gpuOf, isNvidia, type NodeRequirement, usesDevices } from "./gpu.ts";

const DRIVER_LABEL = "nvidia.com/cuda.driver-version.major";

/** Alternatives, of which a node has to meet one. None: every node will do, or nobody knows what the image needs. */
export function driverAlternatives(model: Model, platform: Platform): readonly NodeRequirement[] {
  const gpu = gpuOf(model);
  const { leastCudaDriver: least, images } = platform;
  if (gpu === undefined || least === 0 || !isNvidia(gpu) || !usesDevices(model)) return [];
  const isOurs = images.cuda !== undefined && serverImage(model, platform) === images.cuda;
  if (!isOurs || gpu.requirement !== "Required") return [];
  return [
    { key: DRIVER_LABEL, operator: "Gt", values: [String(least - 1)] },
    { key: DRIVER_LABEL, operator: "DoesNotExist", values: [] },
  ];
}
