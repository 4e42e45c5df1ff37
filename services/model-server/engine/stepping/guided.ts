/**
 * The next token of an answer that must be of some form: drawn as if any would do, and again among those that are allowed
 * if it is not one of them. So what a model says by itself costs one look, and is what it would have said.
 */
import { GrammarError } from "@localmodel/grammar/grammar-error.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import { cannotFollow } from "../constraint/constraints.ts";
import type { Guide } from "../constraint/guide.ts";
import type { Chooser } from "./step-context.ts";

type Draw = {
  readonly chooser: Chooser;
  readonly ends: ReadonlySet<number>;
  /** Whether it is too early for an end. */
  readonly bansEnd: boolean;
};

/**
 * Leaves the logits as they were.
 * @throws Failure where the grammar leaves too much open, or the vocabulary has no token for what must come
 */
export function guided(guide: Guide, logits: Float32Array, draw: Draw): number {
  try {
    return drawn(guide, logits, draw);
  } catch (error) {
    throw error instanceof GrammarError ? cannotFollow(error) : error;
  }
}

function drawn(guide: Guide, logits: Float32Array, { chooser, ends, bansEnd }: Draw): number {
  const mayEnd = guide.mayEnd && !bansEnd;
  const first = chooser.draw(logits);
  if (first !== undefined && (ends.has(first) ? mayEnd : guide.allows(first))) return first;
  const meant = logits.slice();
  guide.restrict(logits);
  for (const end of ends) logits[end] = mayEnd ? (meant[end] ?? 0) : Number.NEGATIVE_INFINITY;
  const token = chooser.draw(logits);
  logits.set(meant);
  if (token !== undefined) return token;
  const message = "The model has no token that continues the answer as it must be.";
  throw invalidRequest(null, message, "invalid_value");
}
