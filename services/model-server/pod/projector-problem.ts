/**
 * Whether a projector belongs to a model, from the headers of both: known before anything large is fetched. Pure.
 *
 * A projector makes vectors as long as the model's own. Its header says how long they are, but for some older kinds, whose
 * number means what their picture model had been trained for: of these the last of its tensors tells.
 */
import type { GgufValues, Projections } from "@localmodel/weights/gguf/gguf-header.ts";
import {
  PROJECTOR_ARCHITECTURE,
  unsupportedKind,
  visionKindOf,
} from "@localmodel/weights/gguf/projector-kind.ts";

/** The last tensor of kinds whose header does not say it; null where that depends on more. */
const LAST_TENSORS: ReadonlyMap<string, string | null> = new Map([
  ["mlp", "mm.2.weight"],
  ["mlp_norm", "mm.3.bias"],
  ["ldp", "mm.model.mb_block.1.block.2.1.bias"],
  ["ldpv2", "mm.model.peg.0.bias"],
  ["adapter", null],
  ["resampler", null],
]);

type Header = { readonly values: GgufValues; readonly projections: Projections };

/** A sentence without its end; undefined for what fits, as far as the headers tell. */
export function projectorProblem(
  model: GgufValues,
  { values: projector, projections }: Header,
): string | undefined {
  const architecture = architectureOf(projector);
  if (architecture !== PROJECTOR_ARCHITECTURE) {
    return `spec.projector is no projector (mmproj): its architecture is ${architecture}, not ${PROJECTOR_ARCHITECTURE}`;
  }
  const unsupported = unsupportedKind(projector);
  if (unsupported !== undefined) return `spec.projector cannot be used: ${unsupported}`;
  const made = lengthOf(projector, projections);
  const wanted = model.get(`${architectureOf(model)}.embedding_length`);
  if (made === undefined || typeof wanted !== "number" || made === wanted) return undefined;
  return `spec.projector belongs to another model: it makes vectors of ${made} numbers, and this model reads such of ${wanted}`;
}

function lengthOf(projector: GgufValues, projections: Projections): number | undefined {
  const kind = visionKindOf(projector);
  if (kind === undefined) return undefined;
  const last = LAST_TENSORS.get(kind);
  if (last === null) return undefined;
  const said =
    last === undefined ? projector.get("clip.vision.projection_dim") : projections.get(last);
  return typeof said === "number" ? said : undefined;
}

function architectureOf(values: GgufValues): string {
  const said = values.get("general.architecture");
  return typeof said === "string" ? said.slice(0, 128) : "unknown";
}
