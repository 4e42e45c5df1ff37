/**
 * Rules of JSON strings: any string, strings counted in characters, and all others by an automaton.
 */
import { GrammarError } from "../grammar-error.ts";
import { trieOf } from "../regular/dfa.ts";
import type { Expression } from "../regular/expression.ts";
import { dfaOf } from "../schema/inside.ts";
import type { Schemas } from "../schema/unfold.ts";
import type { Counted } from "./counted.ts";
import { type Sequence, text } from "../rules/grammar.ts";
import type { Texts } from "./texts.ts";

/** Strings that are limited by a length and by more are cut at about this many states of their automaton. */
const STATES = 2048;
const LEAST_LENGTH = 64;

type Means = { readonly schemas: Schemas; readonly counted: Counted; readonly texts: Texts };

export function createStrings({ schemas, counted, texts }: Means) {
  const { of } = schemas;
  const known = new Map<Expression, Sequence>();

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
    return [texts.quoted(dfaOf(shortened(language), schemas))];
  };

  /** A long length beside a pattern multiplies states; fewer characters are allowed then, never wrong ones. */
  const shortened = (language: Expression): Expression => {
    if (language.kind === "or") return of.or(...language.parts.map(shortened));
    if (language.kind !== "and") return language;
    const counts = language.parts.filter((part) => part.kind === "repeat" && part.body === of.any);
    const others = language.parts.filter((part) => !counts.includes(part));
    const min = Math.max(0, ...counts.map((part) => (part.kind === "repeat" ? part.min : 0)));
    const max = Math.min(
      Infinity,
      ...counts.map((part) => (part.kind === "repeat" ? part.max : Infinity)),
    );
    const width = max === Infinity ? min : max;
    if (counts.length === 0 || width <= LEAST_LENGTH) return language;
    const states = dfaOf(of.and(...others), schemas).transitions.length;
    const most = Math.max(min, LEAST_LENGTH, Math.floor(STATES / states));
    if (min * states > 4 * STATES) {
      throw new GrammarError(
        "too_large",
        `a pattern beside minLength ${min} needs too large an automaton`,
      );
    }
    return most >= max
      ? language
      : of.and(...others, of.repeat(of.any, min, max === Infinity ? max : most));
  };

  const oneOf = (values: readonly string[]): Expression =>
    values.length === 0 ? of.never : of.automaton(trieOf(values));

  return { rest, oneOf };
}
