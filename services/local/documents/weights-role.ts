/** What a GGUF is for, by its own header: only some are models by themselves. */
import path from "node:path";
import { requireGguf } from "@localmodel/weights/gguf/gguf-check.ts";
import type { GgufHeader } from "@localmodel/weights/gguf/gguf-header.ts";
import { WeightsError } from "@localmodel/weights/source/weights-error.ts";

/** Undefined for a model; for anything else what it is, and where it belongs. */
export async function whyNoModel(file: string): Promise<string | undefined> {
  try {
    return roleOf(await requireGguf(file, path.basename(file)));
  } catch (error) {
    // Whether it can be read at all is found out, and told, by whoever fetches it.
    if (!(error instanceof WeightsError)) return undefined;
    // How much is there changes while it is being copied, and is no news each time.
    if (error.reason === "Truncated") {
      return "it is incomplete. If it is still being copied, it is served when the rest is there";
    }
    return error.message;
  }
}

function roleOf({ values, tensorCount, splitCount = 1 }: GgufHeader): string | undefined {
  const type = values.get("general.type");
  if (values.get("general.architecture") === "clip" || type === "mmproj") {
    return "it is an image projector. A LocalModel names it in spec.projector beside its model";
  }
  if (type === "adapter") {
    return "it is a LoRA adapter. A LocalModel names it in spec.adapters beside its model";
  }
  if (type === "imatrix") return "it is an importance matrix, and has no model in it";
  if (tensorCount === 0 && splitCount === 1) return "it has a vocabulary and no tensors";
  return undefined;
}
