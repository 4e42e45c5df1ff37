/**
 * What of a model's pods the platform decides (the operator's version and configuration), as a short name.
 *
 * It is the digest of the pods of a model that always is the same, with the image that the model at hand runs: it changes
 * with the operator that makes them, and with nothing that the author of a model writes.
 */
import { LocalModelSpec } from "@localmodel/localmodel/resource/localmodel.ts";
import { digest } from "../model/digest.ts";
import type { Model } from "../model/model.ts";
import type { Platform } from "../model/platform.ts";
import { serverImage } from "./image.ts";
import { podTemplate } from "./pod-template.ts";

const REFERENCE: Model = {
  namespace: "reference",
  name: "reference",
  uid: "",
  generation: 0,
  createdSeconds: 0,
  labels: {},
  spec: LocalModelSpec.parse({ source: { http: { url: "https://models.example/model.gguf" } } }),
  modelId: "reference",
  claim: { held: ["reference"], lost: [] },
};

export function platformRevision(model: Model, platform: Platform): string {
  const images = { cpu: serverImage(model, platform) };
  const template = podTemplate(REFERENCE, { ...platform, images }, undefined);
  const { classRevision } = platform;
  return digest(classRevision === undefined ? template : [template, classRevision]);
}
