/**
 * What a LocalModel may say and a cluster cannot do, or cannot do yet.
 *
 * What would make the model something else than its author meant is refused. What only leaves something out
 * is served, and Ready says what has no effect: local mode does the same.
 */
import { candidatesOf, filesOf } from "../objects/files.ts";
import { gpuOf, isNvidia } from "../objects/gpu.ts";
import type { Model } from "../model/model.ts";
import type { Problem } from "../status/problem.ts";

export function unsupported(model: Model): Problem | undefined {
  return unsupportedSource(model) ?? unsupportedGpu(model);
}

function unsupportedSource(model: Model): Problem | undefined {
  const local = candidatesOf(filesOf(model)).find(
    ({ source: { type } }) => type === "file" || type === "pythonPackage",
  );
  if (local === undefined) return undefined;
  const { role, source } = local;
  const message =
    `The ${role} come from ${source.type}, which only works on one machine. ` +
    "Use huggingFace, http, s3, persistentVolumeClaim or image.";
  return { stage: "source", reason: "UnsupportedSource", message, waits: false };
}

function unsupportedGpu(model: Model): Problem | undefined {
  const gpu = gpuOf(model);
  if (gpu === undefined || isNvidia(gpu)) return undefined;
  if (gpu.memory === undefined && gpu.products === undefined) return undefined;
  const message =
    `spec.gpu.memory and spec.gpu.products select nodes by labels that only NVIDIA's software sets, ` +
    `so they cannot be used with ${gpu.resourceName}. ` +
    "Select nodes with spec.nodeSelector or spec.affinity instead.";
  return { stage: "schedule", reason: "Unsupported", message, waits: false };
}

/** Sentences to add to what Ready says. */
export function withoutEffect({ spec }: Model): readonly string[] {
  const fields = [
    ...(spec.projector === undefined ? [] : ["spec.projector"]),
    ...(spec.draft === undefined ? [] : ["spec.draft"]),
  ];
  return fields.length === 0
    ? []
    : [`Not supported yet, and without effect: ${fields.join(", ")}.`];
}
