/** The languages of the keywords that speak of strings. */
import { GrammarError } from "../grammar-error.ts";
import type { Expression } from "../regular/expression.ts";
import { formatOf } from "../regular/formats.ts";
import { patternLanguage } from "../regular/pattern-language.ts";
import type { Subschema } from "./document.ts";
import { type Conjunction, type Facts, STRING } from "./facts.ts";
import { textAt } from "./keywords.ts";
import type { Schemas } from "./unfold.ts";

export function patternAt(at: Subschema, schemas: Schemas): Expression | undefined {
  const source = textAt(at, "pattern");
  return source === undefined ? undefined : located(source, at, "pattern", schemas);
}

/** The same, with the place of the keyword in what it throws. */
export function located(
  source: string,
  at: Subschema,
  keyword: string,
  { of, budget }: Schemas,
): Expression {
  try {
    return patternLanguage(source, of, budget);
  } catch (error) {
    if (!(error instanceof GrammarError) || error.path !== "#" || error.keyword !== undefined)
      throw error;
    throw new GrammarError(error.reason, error.message.replace(/^#: /, ""), at.path, keyword);
  }
}

/** The language of a `format`, and whether it is all that the format's RFC allows. */
export function formatLanguage(
  at: Subschema,
  schemas: Schemas,
): { language: Expression; exact: boolean } | undefined {
  const name = textAt(at, "format");
  const format = name === undefined ? undefined : formatOf(name);
  if (format === undefined) return undefined;
  const { of, budget } = schemas;
  const language = patternLanguage(`^(?:${format.pattern})$`, of, budget);
  const { maxLength = Infinity, exact = false } = format;
  if (maxLength === Infinity) return { language, exact };
  return { language: of.and(language, of.repeat(of.any, 0, maxLength)), exact };
}

/** The strings of one alternative, lengths included. */
export function stringsOf({ strings, minLength, maxLength }: Facts, { of }: Schemas): Expression {
  const lengths =
    minLength === 0 && maxLength === Infinity ? [] : [of.repeat(of.any, minLength, maxLength)];
  return of.and(...strings, ...lengths);
}

/** The strings that fit a conjunction, for names of members. */
export function namesLanguage(terms: Conjunction, schemas: Schemas): Expression {
  const { of } = schemas;
  return of.or(
    ...schemas.unfold(terms).alternatives.map((facts) => {
      if (facts.values !== undefined) {
        return of.or(...facts.values.filter((value) => typeof value === "string").map(of.literal));
      }
      if ((facts.types & STRING) === 0) return of.never;
      for (const { types, error } of facts.problems) if ((types & STRING) !== 0) throw error;
      return stringsOf(facts, schemas);
    }),
  );
}
