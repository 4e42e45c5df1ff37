/** What a projector is, as the header of its file has it. Pure. */
import type { GgufValues } from "./gguf-header.ts";

/** The architecture that all projectors say they have. */
export const PROJECTOR_ARCHITECTURE = "clip";

/**
 * Their pictures take places that depend on what else is in the conversation, which beginnings that are kept and shared
 * could not have.
 */
const UNSUPPORTED: ReadonlySet<string> = new Set(["deepseek4v", "hunyuanvl"]);

/** Whether it takes pictures. */
export function sees(values: GgufValues): boolean {
  return values.get("clip.has_vision_encoder") === true;
}

/** Whether it takes sounds. */
export function hears(values: GgufValues): boolean {
  return values.get("clip.has_audio_encoder") === true;
}

/** Of what looks at pictures. Undefined where the header does not tell. */
export function visionKindOf(values: GgufValues): string | undefined {
  const kind = values.get("clip.vision.projector_type") ?? values.get("clip.projector_type");
  return typeof kind === "string" ? kind.slice(0, 128) : undefined;
}

/** A sentence without its end. */
export function unsupportedKind(values: GgufValues): string | undefined {
  const kind = visionKindOf(values);
  if (kind === undefined || !UNSUPPORTED.has(kind)) return undefined;
  return `projectors of the kind ${kind} are not supported: where their pictures are depends on all others before them`;
}
