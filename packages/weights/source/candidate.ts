/**
 * One place a file can be had from, and which of its source's places it is.
 *
 * The number is what credentials go by: each candidate of `sourceCandidates` may have its own, and the parts
 * of a split GGUF share those of the candidate they come from.
 */
import {
  type SingleSource,
  sourceCandidates,
  type WeightsSource,
} from "@localmodel/localmodel/resource/source-spec.ts";

/** Number of a candidate in `sourceCandidates(source)`. */
type Numbered = { readonly candidate: number };

export type Candidate = SingleSource & Numbered;

export function candidatesOf(source: WeightsSource): readonly Candidate[] {
  return sourceCandidates(source).map((single, candidate) => ({ ...single, candidate }));
}
