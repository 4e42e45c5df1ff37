/**
 * Models of a folder that say nothing of when they are to be loaded: nobody knows how many of them are wanted, or whether
 * they fit beside each other. They are loaded when they are asked for, as weights without a document are. Pure.
 */
import type { ParsedModel } from "@localmodel/localmodel/documents/judge-document.ts";
import { ScalingSpec } from "@localmodel/localmodel/resource/scaling-spec.ts";

export function asleepInFolder(one: ParsedModel): ParsedModel {
  const { model, inFolder = false, saysReplicas = false } = one;
  if (!inFolder || saysReplicas || model.spec.scaling !== undefined) return one;
  const spec = { ...model.spec, scaling: ScalingSpec.parse({}) };
  return { ...one, model: { ...model, spec } };
}
