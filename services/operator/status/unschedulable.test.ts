/** What is said of a pod that no node can take. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import { inspection, modelWith, platform, unscheduledPod } from "../fixtures/models.ts";
import type { Platform } from "../model/platform.ts";
import { podTemplate } from "../objects/pod-template.ts";
import { unschedulable } from "./unschedulable.ts";

const OTHER_LABELS =
  "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.";

/** Of the pods that the model gets there. */
function saidOf(on: Platform): string {
  const model = modelWith({ gpu: { memory: "8Gi" }, nodeSelector: { pool: "a" } });
  const spec = podTemplate(model, on, inspection).spec as unknown as Pod["spec"];
  return unschedulable({ ...unscheduledPod(OTHER_LABELS), ...(spec && { spec }) }, OTHER_LABELS)
    .message;
}

const wanted = "pool=a and nvidia.com/gpu.memory > 8191";
const driver = "nvidia.com/cuda.driver-version.major";
const asked = (least: number) =>
  `not the labels that ${wanted} and ${driver} > ${least} (by device: docs/gpu.md) ask for.`;

test("the driver that an image takes is said once, whatever labels and devices it may be told by", () => {
  assert.equal(
    saidOf({ ...platform, leastCudaDriver: 580 }),
    `No node can take a pod: 3 of 3 nodes: not the labels that ${wanted} and ${driver} > 579 ask for. Add or free such a node, or ask for less.`,
  );
});

test("of two images it is said that the driver depends on the device", () => {
  const images = { ...platform.images, cuda12: "server:cuda12" };
  const two = { ...platform, images, leastCudaDriver: 580, leastCuda12Driver: 550 };
  assert.ok(saidOf({ ...two, cudaImage: "cuda" }).includes(asked(579)));
  assert.ok(saidOf({ ...two, cudaImage: "cuda12" }).includes(asked(549)));
});
