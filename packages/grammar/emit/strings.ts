/**
 * Rules of JSON strings: any string, strings counted in characters, and all others by an automaton.
 */
import { GrammarError } from "../grammar-error.ts";
import { countedDfa } from "../regular/counted-dfa.ts";
import { trieOf } from "../regular/dfa.ts";
import type { Expression } from "../regular/expression.ts";
import { dfaOf } from "../schema/inside.ts";
import { measured } from "../schema/lengths.ts";
import type { Schemas } from "../schema/unfold.ts";
import type { Counted } from "./counted.ts";
import { type Sequence, text } from "../rules/grammar.ts";
import type { Texts } from "./texts.ts";

/** A length beside a pattern multiplies states: of these, a quarter of what is left is for each that has both, or the least. */
const STATES = 32_768;
const LEAST_STATES = 2048;
const STATES_MAX = STATES / 4;
const LEAST_LENGTH = 64;

type Means = { readonly schemas: Schemas; readonly counted: Counted; readonly texts: Texts };

export function createStrings({ schemas, counted, texts }: Means) {
  const { of } = schemas;
  const known = new Map<Expression, Sequence>();
  let left = STATES;

  const rest = (language: Expression): Sequence => {
    const found = known.get(language) ?? make(language);
    known.set(language, found);
    return found;
  };

  const make = (language: Expression): Sequence => {
    if (language === of.anything) return [texts.anyRest];
    if (language === of.any) return [texts.anyChar, text('"')];
    if (language.kind === "repeat" && language.body === of.any) {
      return [...counted(texts.anyChar, language.min, language.max), text('"')];
    }
    if (language.kind === "or" && language.parts.includes(of.anything)) return [texts.anyRest];
    const short = shortened(language);
    const isBuilt = short.kind === "automaton" && short.state === short.dfa.start;
    return [texts.quoted(isBuilt ? short.dfa : dfaOf(short, schemas))];
  };

  /** Where a length is too long for the states that are left, fewer characters are allowed, never wrong ones. */
  const shortened = (language: Expression): Expression => {
    if (language.kind === "or") return of.or(...language.parts.map(shortened));
    const { others, min, max } = measured(language, of);
    if (min === 0 && max === Infinity) return language;
    const dfa = dfaOf(others, schemas);
    const states = dfa.transitions.length;
    if (min * states > STATES_MAX) {
      throw new GrammarError(
        "too_large",
        `a pattern beside minLength ${min} needs too large an automaton`,
      );
    }
    const room = Math.floor(Math.max(LEAST_STATES, left / 4) / states);
    const most = Math.max(min, LEAST_LENGTH, room);
    const lengths = { min, max: max === Infinity ? max : Math.min(most, max) };
    const counting = countedDfa(dfa, lengths, schemas.budget);
    left = Math.max(0, left - counting.transitions.length);
    return of.automaton(counting);
  };

  const oneOf = (values: readonly string[]): Expression =>
    values.length === 0 ? of.never : of.automaton(trieOf(values));

  return { rest, oneOf };
}
