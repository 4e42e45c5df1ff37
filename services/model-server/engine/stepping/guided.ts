/**
 * The next token of an answer that must be of some form: drawn as if any would do, again without it if it is not allowed,
 * and after some of these among all that are. So what a model says by itself costs one look, and is what it would have said.
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
    throw error instanceof GrammarError ? cannotFollow(error, guide.field) : error;
  }
}

/**
 * How many tokens are refused one by one before the whole vocabulary is looked at, which takes as long as ten draws or
 * more: in a text of counted length each place has a list of its own. What is drawn among the others has the chances that
 * it has among all that are allowed.
 */
const REFUSALS = 6;

function drawn(guide: Guide, logits: Float32Array, { chooser, ends, bansEnd }: Draw): number {
  const mayEnd = guide.mayEnd && !bansEnd;
  const isAllowed = (token: number): boolean => (ends.has(token) ? mayEnd : guide.allows(token));
  let token = chooser.draw(logits);
  if (token !== undefined && isAllowed(token)) return token;
  const meant = logits.slice();
  try {
    for (let refused = 1; refused < REFUSALS && token !== undefined; refused += 1) {
      logits[token] = Number.NEGATIVE_INFINITY;
      token = chooser.draw(logits);
      if (token !== undefined && isAllowed(token)) return token;
    }
    logits.set(meant);
    guide.restrict(logits);
    for (const end of ends) logits[end] = mayEnd ? (meant[end] ?? 0) : Number.NEGATIVE_INFINITY;
    token = chooser.draw(logits);
  } finally {
    logits.set(meant);
  }
  if (token !== undefined) return token;
  const message = "The model has no token that continues the answer as it must be.";
  throw invalidRequest(null, message, "invalid_value");
}
