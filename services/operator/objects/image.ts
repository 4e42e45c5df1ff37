/** The model-server image for a LocalModel: engines are built for one kind of hardware each. */
import type { Model } from "../model/model.ts";
import type { Platform } from "../model/platform.ts";
import { gpuOf, isNvidia } from "./gpu.ts";

export function serverImage(model: Model, { images }: Platform): string {
  const gpu = gpuOf(model);
  if (gpu === undefined) return images.cpu;
  return (isNvidia(gpu) ? images.cuda : images.vulkan) ?? images.cpu;
}

/** Fields of a container. */
export function imageFields(image: string, { imagePullPolicy }: Platform) {
  return { image, ...(imagePullPolicy !== undefined && { imagePullPolicy }) };
}
