/** The model-server image for a LocalModel: engines are built for one kind of hardware each. */
import type { Model } from "../model/model.ts";
import { CUDA_IMAGES, type CudaImage, type Platform } from "../model/platform.ts";
import { fits } from "../model/wildcard.ts";
import { gpuOf, isAmd, isNvidia } from "./gpu.ts";

export function serverImage(model: Model, platform: Platform): string {
  const own = model.spec.runtime?.image;
  if (own !== undefined) return own;
  return platform.images[variantOf(model, platform)] ?? platform.images.cpu;
}

/** What the image is built for. None: everything, or nobody knows. */
export function architecturesOf(model: Model, platform: Platform): readonly string[] {
  if (model.spec.runtime?.image !== undefined) return [];
  return platform.architectures[variantOf(model, platform)] ?? [];
}

/** Those that there are for NVIDIA's devices, newest first. */
export function cudaImages({ images }: Pick<Platform, "images">): readonly CudaImage[] {
  return CUDA_IMAGES.filter((name) => images[name] !== undefined);
}

/** The one for NVIDIA's devices that a model gets; undefined for models that get another. */
export function cudaImageOf(model: Model, platform: Platform): CudaImage | undefined {
  const gpu = gpuOf(model);
  if (gpu === undefined || !isNvidia(gpu) || model.spec.runtime?.image !== undefined) return;
  return platform.cudaImage ?? cudaImages(platform)[0];
}

function variantOf(model: Model, platform: Platform): keyof Platform["images"] {
  const gpu = gpuOf(model);
  if (gpu === undefined) return "cpu";
  if (isNvidia(gpu)) return cudaImageOf(model, platform) ?? "cpu";
  if (isAmd(gpu) && platform.images.rocm !== undefined) return "rocm";
  return platform.images.vulkan === undefined ? "cpu" : "vulkan";
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
