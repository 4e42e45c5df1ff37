/**
 * Whether a projector belongs to a model, from the headers of both: known before anything large is fetched. Pure.
 *
 * A projector makes vectors as long as the model's own. Its header tells how long they are, but for some older kinds,
 * whose number means what their picture model had been trained for.
 */
import type { GgufValues } from "@localmodel/weights/gguf/gguf-header.ts";
import {
  PROJECTOR_ARCHITECTURE,
  unsupportedKind,
  visionKindOf,
} from "@localmodel/weights/gguf/projector-kind.ts";

const WITHOUT_LENGTH = new Set(["mlp", "mlp_norm", "ldp", "ldpv2", "adapter", "resampler"]);

/** A sentence without its end; undefined for what fits, as far as the headers tell. */
export function projectorProblem(model: GgufValues, projector: GgufValues): string | undefined {
  const architecture = architectureOf(projector);
  if (architecture !== PROJECTOR_ARCHITECTURE) {
    return `spec.projector is no projector (mmproj): its architecture is ${architecture}, not ${PROJECTOR_ARCHITECTURE}`;
  }
  const unsupported = unsupportedKind(projector);
  if (unsupported !== undefined) return `spec.projector cannot be used: ${unsupported}`;
  const kind = visionKindOf(projector);
  const made = projector.get("clip.vision.projection_dim");
  const wanted = model.get(`${architectureOf(model)}.embedding_length`);
  const isTold = kind !== undefined && !WITHOUT_LENGTH.has(kind);
  if (!isTold || typeof made !== "number" || typeof wanted !== "number" || made === wanted) {
    return undefined;
  }
  return `spec.projector belongs to another model: it makes vectors of ${made} numbers, and this model reads such of ${wanted}`;
}

function architectureOf(values: GgufValues): string {
  const said = values.get("general.architecture");
  return typeof said === "string" ? said.slice(0, 128) : "unknown";
}
