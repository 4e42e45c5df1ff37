/**
 * How much memory each device of a model's pods has to have, from the header of the weights, and what follows for nodes.
 *
 * Only nodes whose label says that their devices are too small are excluded: where nobody labels nodes, pods go where
 * there are devices, and the server tells when they are too small.
 */
import {
  computeBufferBytes,
  neededDeviceBytes,
} from "@localmodel/localmodel/contracts/device-memory.ts";
import type { Inspection } from "@localmodel/localmodel/contracts/inspection.ts";
import {
  encoderBytesOf,
  estimateMemory,
} from "@localmodel/localmodel/contracts/memory-estimate.ts";
import type { Model } from "../model/model.ts";
import { gpuOf, memoryLabel, type NodeRequirement, usesDevices } from "./gpu.ts";
import { MEBIBYTE } from "./quantities.ts";
import { deviceShare, servedBy } from "./resources.ts";

/** Whether nodes are chosen by what the header says: the author does not, devices are labelled, and the model needs them. */
export function dependsOnDeviceMemory(model: Model): boolean {
  const gpu = gpuOf(model);
  if (gpu === undefined || gpu.memory !== undefined || gpu.requirement !== "Required") return false;
  return usesDevices(model) && memoryLabel(gpu) !== undefined;
}

/**
 * Alternatives, of which a node has to meet one. None: every node will do, or the author says himself which.
 */
export function deviceMemoryAlternatives(
  model: Model,
  inspection: Inspection | undefined,
): readonly NodeRequirement[] {
  const gpu = gpuOf(model);
  const label = gpu && memoryLabel(gpu);
  if (inspection === undefined || gpu === undefined || label === undefined) return [];
  if (!dependsOnDeviceMemory(model)) return [];
  const leastMiB = Math.ceil(neededBytesOfEach(model, inspection, gpu.count) / MEBIBYTE);
  return [
    { key: label, operator: "Gt", values: [String(leastMiB - 1)] },
    { key: label, operator: "DoesNotExist", values: [] },
  ];
}

function neededBytesOfEach(model: Model, inspection: Inspection, count: number): number {
  const { engine, projector } = model.spec;
  const { weightsBytes, contextBytes } = estimateMemory(inspection, engine, servedBy(model.spec));
  const onDevices = (weightsBytes + contextBytes) * deviceShare(model, inspection);
  // One device looks at pictures, and of devices that are alike nobody knows which.
  const encoder = projector === undefined ? 0 : encoderBytesOf(inspection);
  const compute = computeBufferBytes(engine.batchTokens, inspection.embeddingDimensions) + encoder;
  return neededDeviceBytes(onDevices * largestShare(inspection, engine, count), compute);
}

/** llama.cpp gives devices of one kind as many layers each, and one of them what is over. */
function largestShare(
  { layers }: Inspection,
  { splitMode, tensorSplit }: Model["spec"]["engine"],
  count: number,
): number {
  if (splitMode === "none") return 1;
  if (tensorSplit !== undefined) {
    const sum = tensorSplit.reduce((total, share) => total + share, 0);
    if (sum > 0) return Math.max(...tensorSplit) / sum;
  }
  const all = layers + 1;
  return Math.ceil(all / count) / all;
}
