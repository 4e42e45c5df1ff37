/** The number texts of one alternative. */
import type { Expression } from "../regular/expression.ts";
import { freeNumber, plainNumber } from "../regular/numbers.ts";
import { FRACTION, type Facts, NUMBER, WHOLE } from "./facts.ts";
import type { Schemas } from "./unfold.ts";

export function numbersOf({ types, numbers, bounds }: Facts, { of }: Schemas): Expression {
  if ((types & NUMBER) === 0) return of.never;
  const kinds = { whole: (types & WHOLE) !== 0, fractional: (types & FRACTION) !== 0 };
  if (numbers.length === 0) return freeNumber(kinds, of);
  return of.and(plainNumber(kinds, bounds, of), ...numbers);
}
