/** The model-server image for a LocalModel: engines are built for one kind of hardware each. */
import type { Model } from "../model/model.ts";
import type { Platform } from "../model/platform.ts";
import { fits } from "../model/wildcard.ts";
import { gpuOf, isNvidia } from "./gpu.ts";

export function serverImage(model: Model, { images }: Platform): string {
  const own = model.spec.runtime?.image;
  if (own !== undefined) return own;
  return images[variantOf(model, images)] ?? images.cpu;
}

/** What the image is built for. None: everything, or nobody knows. */
export function architecturesOf(
  model: Model,
  { images, architectures }: Platform,
): readonly string[] {
  if (model.spec.runtime?.image !== undefined) return [];
  return architectures[variantOf(model, images)] ?? [];
}

function variantOf(model: Model, images: Platform["images"]): keyof Platform["images"] {
  const gpu = gpuOf(model);
  if (gpu === undefined) return "cpu";
  const variant = isNvidia(gpu) ? "cuda" : "vulkan";
  return images[variant] === undefined ? "cpu" : variant;
}

/** Fields of a container. */
export function imageFields(image: string, { imagePullPolicy }: Platform) {
  return { image, ...(imagePullPolicy !== undefined && { imagePullPolicy }) };
}

/** Whether the platform lets the model run the image that it names: any version of its own, and what it allows. */
export function mayRun(image: string, { images, runtimeImages }: Platform): boolean {
  const repository = repositoryOf(image);
  const own = Object.values(images).map(repositoryOf);
  return own.includes(repository) || runtimeImages.some((pattern) => fits(pattern, repository));
}

/** Without its tag and digest. A colon before the last slash is of a port. */
function repositoryOf(image: string): string {
  const [name = ""] = image.split("@");
  return name.replace(/:[^:/]*$/, "");
}
