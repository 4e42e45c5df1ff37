/**
 * Which nodes have a driver, and devices, that an image for NVIDIA's works with, by the labels of GPU feature discovery.
 *
 * As with the memory of devices, only nodes are left out of which a label says that they will not do: the server tells of
 * the others (`DriverTooOld`). Code for devices that an image has no machine code for is compiled by the driver, and not by
 * any that starts the image.
 */
import type { Model } from "../model/model.ts";
import type { CudaImage, Platform } from "../model/platform.ts";
import { gpuOf, type NodeRequirement, usesDevices } from "./gpu.ts";
import { cudaImageOf, cudaImages } from "./image.ts";

export const DRIVER_LABEL = "nvidia.com/cuda.driver-version.major";
const MAJOR_LABEL = "nvidia.com/gpu.compute.major";
const MINOR_LABEL = "nvidia.com/gpu.compute.minor";

/** All of which a node has to meet. */
export type NodeRequirements = readonly NodeRequirement[];

/** Alternatives, of which a node has to meet one. None: every node will do, or nobody knows what the image needs. */
export function driverAlternatives(model: Model, platform: Platform): readonly NodeRequirements[] {
  const name = cudaImageOf(model, platform);
  if (name === undefined || gpuOf(model)?.requirement !== "Required" || !usesDevices(model)) {
    return [];
  }
  return cudaAlternatives(name, platform);
}

/** Devices count only where there is an image for those that this one is not for. */
export function cudaAlternatives(name: CudaImage, platform: Platform): readonly NodeRequirements[] {
  const least = leastDriver(name, platform);
  if (least === 0) return [];
  const noDriver = lacks(DRIVER_LABEL);
  if (cudaImages(platform).length < 2) return [[driverFrom(least)], [noDriver]];
  const { least: leastCapability, compiled, otherwiseDriver } = platform.cudaDevices[name];
  const devices = capabilityFrom(leastCapability);
  const known = [
    ...withEach(driverFrom(Math.max(least, otherwiseDriver)), devices),
    ...(otherwiseDriver > least ? withEach(driverFrom(least), oneOf(compiled)) : []),
    [driverFrom(least), lacks(MAJOR_LABEL)],
  ];
  return [...known, ...withEach(noDriver, [...devices, [lacks(MAJOR_LABEL)]])];
}

/** Major version of the driver without which the image does not start; 0: nobody knows. */
export function leastDriver(
  name: CudaImage,
  { leastCudaDriver, leastCuda12Driver }: Pick<Platform, "leastCudaDriver" | "leastCuda12Driver">,
): number {
  return { cuda: leastCudaDriver, cuda12: leastCuda12Driver }[name];
}

function driverFrom(version: number): NodeRequirement {
  return { key: DRIVER_LABEL, operator: "Gt", values: [String(version - 1)] };
}

function capabilityFrom(least: number): readonly NodeRequirements[] {
  const [major, minor] = [Math.floor(least / 10), least % 10];
  const above = { key: MAJOR_LABEL, operator: "Gt", values: [String(major)] };
  const same = [is(MAJOR_LABEL, [major])];
  return [[above], minor === 0 ? same : [...same, minorFrom(minor)]];
}

function minorFrom(minor: number): NodeRequirement {
  return { key: MINOR_LABEL, operator: "Gt", values: [String(minor - 1)] };
}

function oneOf(capabilities: readonly number[]): readonly NodeRequirements[] {
  const byMajor = Map.groupBy(capabilities, (capability) => Math.floor(capability / 10));
  return [...byMajor].map(([major, those]) => [
    is(MAJOR_LABEL, [major]),
    is(
      MINOR_LABEL,
      those.map((capability) => capability % 10),
    ),
  ]);
}

function withEach(
  one: NodeRequirement,
  alternatives: readonly NodeRequirements[],
): readonly NodeRequirements[] {
  return alternatives.map((requirements) => [one, ...requirements]);
}

function is(key: string, values: readonly number[]): NodeRequirement {
  return { key, operator: "In", values: values.map(String) };
}

function lacks(key: string): NodeRequirement {
  return { key, operator: "DoesNotExist", values: [] };
}
