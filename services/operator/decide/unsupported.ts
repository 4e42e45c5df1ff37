/**
 * What a LocalModel may say and a cluster cannot do, cannot do yet, or does not allow.
 *
 * What would make the model something else than its author meant is refused. What only leaves something out
 * is served, and Ready says what has no effect: local mode does the same.
 */
import { fieldName } from "@localmodel/localmodel/documents/problem.ts";
import { environmentProblems } from "@localmodel/localmodel/resource/environment-policy.ts";
import { unknownTimeZone } from "@localmodel/localmodel/resource/schedule.ts";
import { candidatesOf, filesOf } from "../objects/files.ts";
import { mayRun } from "../objects/image.ts";
import { gpuOf, isNvidia } from "../objects/gpu.ts";
import type { Model } from "../model/model.ts";
import type { Platform } from "../model/platform.ts";
import type { Problem } from "../status/problem.ts";

export function unsupported(model: Model, platform: Platform): Problem | undefined {
  return (
    refusedVariable(model, platform) ??
    refusedImage(model, platform) ??
    unsupportedSource(model) ??
    unsupportedSchedule(model) ??
    unsupportedGpu(model)
  );
}

const HOW_TO_ALLOW = {
  variables: "name it in the chart's modelServer.environmentPolicy.variables",
  secrets: "name it in the chart's modelServer.environmentPolicy.secrets",
  configMaps: "name it in the chart's modelServer.environmentPolicy.configMaps",
} as const;

/** A spec that was stored before the policy, or where no admission policy looks. */
function refusedVariable({ spec }: Model, { environmentPolicy }: Platform): Problem | undefined {
  const [first] = environmentProblems(spec.env, environmentPolicy, HOW_TO_ALLOW);
  if (first === undefined) return undefined;
  const message = `${fieldName(["spec", "env", ...first.path])}: ${first.message}. Until then what serves already is left as it is.`;
  return { stage: "spec", reason: "VariableRefused", message, waits: false };
}

/** An image is code, which runs beside the weights and with the Secrets of their source. */
function refusedImage({ spec }: Model, platform: Platform): Problem | undefined {
  const image = spec.runtime?.image;
  if (image === undefined || mayRun(image, platform)) return undefined;
  const message =
    `spec.runtime.image: "${image}" is not one that this platform allows. It may be another version of ` +
    `${Object.values(platform.images).join(" or ")}, or one that the chart's operator.config.runtimeImages names. ` +
    "Until then what serves already is left as it is.";
  return { stage: "spec", reason: "ImageRefused", message, waits: false };
}

/** The database of zones is that of this process. */
function unsupportedSchedule({ spec: { scaling } }: Model): Problem | undefined {
  const zone = unknownTimeZone(scaling?.schedule ?? []);
  if (zone === undefined) return undefined;
  const message =
    `spec.scaling.schedule: there is no time zone "${zone}". Use a name of the IANA database, such as Europe/Berlin or UTC. ` +
    "Until then what serves already is left as it is.";
  return { stage: "spec", reason: "UnknownTimeZone", message, waits: false };
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
export function withoutEffect({ spec, ignored = [] }: Model): readonly string[] {
  return [
    ...(spec.scaling !== undefined && spec.replicas > 1
      ? [`Without effect beside spec.scaling: spec.replicas, which is ${spec.replicas}.`]
      : []),
    ...(ignored.length === 0
      ? []
      : [`Not known to this version of the operator, and without effect: ${ignored.join(", ")}.`]),
  ];
}
