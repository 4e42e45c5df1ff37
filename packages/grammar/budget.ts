/**
 * How much work one compilation may do.
 *
 * Steps, not seconds: the same schema is accepted or refused on every machine. The limits are sized so that the
 * worst schema takes about a second.
 */
import { GrammarError } from "./grammar-error.ts";

export type Limits = {
  /** Units of work of all kinds together. */
  readonly steps: number;
  /** States of one automaton before it is minimised. */
  readonly automatonStates: number;
  /** Rules of the grammar. */
  readonly rules: number;
  /** Subschemas in the document. */
  readonly subschemas: number;
  /** Nesting of the document. */
  readonly depth: number;
  /** Alternatives into which one subschema may unfold. */
  readonly alternatives: number;
  /** Characters of the GBNF text. */
  readonly textLength: number;
};

export const DEFAULT_LIMITS: Limits = {
  steps: 2_500_000,
  automatonStates: 6_000,
  rules: 60_000,
  subschemas: 20_000,
  depth: 128,
  alternatives: 256,
  textLength: 4_000_000,
};

export type Budget = {
  readonly limits: Limits;
  /** Takes units of work, or throws a `too_large` error. */
  readonly spend: (units: number) => void;
};

/** What is spent of a budget within another one is spent of that one too. */
export function createBudget(limits: Limits, within?: Budget): Budget {
  let left = limits.steps;
  return {
    limits,
    spend: (units) => {
      within?.spend(units);
      left -= units;
      if (left < 0) {
        throw new GrammarError("too_large", "the schema takes too much work to compile");
      }
    },
  };
}
