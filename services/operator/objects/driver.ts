/**
 * Which nodes have a driver, and devices, that an image for NVIDIA's works with, by the labels of GPU feature discovery.
 *
 * As with the memory of devices, only nodes are left out of which a label says that they will not do: the server tells of
 * the others (`DriverTooOld`). Code for devices that an image has no machine code for is compiled by the driver, and not by
 * any that starts the image.
 */
import type { Node } from "@localmodel/kube/objects/core-resources.ts";
import type { Model } from "../model/model.ts";
import type { CudaImage, Platform } from "../model/platform.ts";
import { gpuOf, type NodeRequirement, usesDevices } from "./gpu.ts";
import { cudaImageOf, cudaImages } from "./image.ts";

/** Of its version 0.15 and newer. */
const DRIVER_LABEL = "nvidia.com/cuda.driver-version.major";
/** Deprecated there, and all that older ones say: it counts where the other one is missing. */
const OLDER_DRIVER_LABEL = "nvidia.com/cuda.driver.major";
/** Selectors, of which a node that says its driver matches one and no more: they know no "or". */
export const DRIVER_SELECTORS: readonly string[] = [
  DRIVER_LABEL,
  `${OLDER_DRIVER_LABEL},!${DRIVER_LABEL}`,
];
const DRIVER_LABELS: ReadonlySet<string> = new Set([DRIVER_LABEL, OLDER_DRIVER_LABEL]);
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
  const noDriver = [[lacks(DRIVER_LABEL), lacks(OLDER_DRIVER_LABEL)]];
  if (cudaImages(platform).length < 2) return [...driverFrom(least), ...noDriver];
  const { least: leastCapability, compiled, otherwiseDriver } = platform.cudaDevices[name];
  const devices = capabilityFrom(leastCapability);
  const noDevice = [[lacks(MAJOR_LABEL)]];
  const known = [
    ...withEach(driverFrom(Math.max(least, otherwiseDriver)), devices),
    ...(otherwiseDriver > least ? withEach(driverFrom(least), oneOf(compiled)) : []),
    ...withEach(driverFrom(least), noDevice),
  ];
  return [...known, ...withEach(noDriver, [...devices, ...noDevice])];
}

/** The major version, where the node says it. */
export function driverOf({ metadata: { labels = {} } }: Node): string | undefined {
  return labels[DRIVER_LABEL] ?? labels[OLDER_DRIVER_LABEL];
}

/** Major version of the driver without which the image does not start; 0: nobody knows. */
export function leastDriver(
  name: CudaImage,
  { leastCudaDriver, leastCuda12Driver }: Pick<Platform, "leastCudaDriver" | "leastCuda12Driver">,
): number {
  return { cuda: leastCudaDriver, cuda12: leastCuda12Driver }[name];
}

type Expression = {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
};

/** What a person reads of the alternatives above: the least driver, and not each way in which a node may say its own. */
export function driverInWords(expressions: readonly Expression[]): string | undefined {
  const versions = expressions
    .filter(({ key, operator }) => operator === "Gt" && DRIVER_LABELS.has(key))
    .map(({ values = [] }) => Number(values[0]));
  if (versions.length === 0) return undefined;
  const isByDevice = expressions.some(({ key }) => key === MAJOR_LABEL);
  return `${DRIVER_LABEL} > ${Math.min(...versions)}${isByDevice ? " (by device: docs/gpu.md)" : ""}`;
}

export function isInDriverWords({ key }: Expression): boolean {
  return DRIVER_LABELS.has(key) || key === MAJOR_LABEL || key === MINOR_LABEL;
}

function driverFrom(version: number): readonly NodeRequirements[] {
  const from = (key: string) => ({ key, operator: "Gt", values: [String(version - 1)] });
  return [[from(DRIVER_LABEL)], [lacks(DRIVER_LABEL), from(OLDER_DRIVER_LABEL)]];
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
  some: readonly NodeRequirements[],
  others: readonly NodeRequirements[],
): readonly NodeRequirements[] {
  return some.flatMap((one) => others.map((other) => [...one, ...other]));
}

function is(key: string, values: readonly number[]): NodeRequirement {
  return { key, operator: "In", values: values.map(String) };
}

function lacks(key: string): NodeRequirement {
  return { key, operator: "DoesNotExist", values: [] };
}
