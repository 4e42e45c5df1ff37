/**
 * From a conjunction of subschemas to the rule of its JSON texts.
 *
 * Strings of all alternatives become one automaton, numbers another, so that the first characters tell the types apart.
 * A rule is reserved before it is written: a schema that comes round to itself finds it there.
 */
import { GrammarError } from "../grammar-error.ts";
import { type Json, canonicalText, isArray, isObject } from "../json.ts";
import type { Expression } from "../regular/expression.ts";
import {
  ARRAY,
  BOOLEAN,
  type Conjunction,
  type Facts,
  NULL,
  NUMBER,
  OBJECT,
  STRING,
  keyOf,
} from "../schema/facts.ts";
import { dfaOf } from "../schema/inside.ts";
import { numbersOf } from "../schema/number-languages.ts";
import { stringsOf } from "../schema/string-languages.ts";
import type { Schemas } from "../schema/unfold.ts";
import { emitArray } from "./arrays.ts";
import type { Counted } from "./counted.ts";
import { type GrammarBuilder, type Item, type Sequence, ruleItem, text } from "../rules/grammar.ts";
import type { Layout } from "./layout.ts";
import { createLiteral } from "./literals.ts";
import { emitObject } from "./objects.ts";
import { createStrings } from "./strings.ts";
import type { Texts } from "./texts.ts";

export type Emitter = {
  readonly schemas: Schemas;
  readonly grammar: GrammarBuilder;
  readonly counted: Counted;
  readonly layout: Layout;
  readonly texts: Texts;
  /** Members are written only where the schema speaks of them. */
  readonly closesObjects: boolean;
  readonly value: (terms: Conjunction) => Item;
  /** The rest of a string of the language, after its opening quote. */
  readonly stringRest: (language: Expression) => Sequence;
  readonly literal: (value: Json) => Sequence;
};

type Means = Pick<
  Emitter,
  "schemas" | "grammar" | "counted" | "layout" | "texts" | "closesObjects"
>;

export function createEmitter(means: Means): Emitter {
  const { grammar, schemas, texts } = means;
  const { of } = schemas;
  const rules = new Map<string, Item>();
  const numbers = new Map<Expression, Item>();
  const strings = createStrings(means);
  const literal = createLiteral(means.layout, means.grammar);

  const number = (language: Expression): Item => {
    const found = numbers.get(language) ?? texts.plain(dfaOf(language, schemas));
    numbers.set(language, found);
    return found;
  };

  const value = (terms: Conjunction): Item => {
    const key = keyOf(terms);
    const found = rules.get(key);
    if (found !== undefined) return found;
    const rule = grammar.reserve("value");
    rules.set(key, ruleItem(rule));
    const { alternatives } = schemas.unfold(terms);
    for (const facts of alternatives) refuseProblems(facts);
    grammar.define(rule, alternativesOf(alternatives));
    return ruleItem(rule);
  };

  const stringLanguage = (free: readonly Facts[], literals: readonly Json[]): Expression =>
    of.or(
      strings.oneOf(literals.filter((each) => typeof each === "string")),
      ...free
        .filter(({ types }) => (types & STRING) !== 0)
        .map((facts) => stringsOf(facts, schemas)),
    );

  const numberLanguage = (free: readonly Facts[], literals: readonly Json[]): Expression =>
    of.or(
      ...literals
        .filter((each) => typeof each === "number")
        .flatMap(means.layout.spellings)
        .map((each) => of.literal(each)),
      ...free
        .filter(({ types }) => (types & NUMBER) !== 0)
        .map((facts) => numbersOf(facts, schemas)),
    );

  const alternativesOf = (all: readonly Facts[]): readonly Sequence[] => {
    const free = all.filter(({ values }) => values === undefined);
    const listed = all.flatMap(({ values = [] }) => values);
    const literals = [...new Map(listed.map((each) => [canonicalText(each), each])).values()];
    const quoted = stringLanguage(free, literals);
    const digits = numberLanguage(free, literals);
    return [
      ...free.flatMap((facts) => ((facts.types & OBJECT) === 0 ? [] : emitObject(facts, emitter))),
      ...free.flatMap((facts) => ((facts.types & ARRAY) === 0 ? [] : emitArray(facts, emitter))),
      ...(quoted === of.never ? [] : [[text('"'), ...strings.rest(quoted)]]),
      ...(digits === of.never ? [] : [[number(digits)]]),
      ...wordsOf(free, literals).map((word) => [text(word)]),
      ...literals.filter((each) => isArray(each) || isObject(each)).map(literal),
    ];
  };

  const emitter: Emitter = { ...means, value, literal, stringRest: strings.rest };
  return emitter;
}

/** `true`, `false` and `null`, where they are allowed. */
function wordsOf(free: readonly Facts[], literals: readonly Json[]): readonly string[] {
  const allowed = (bit: number) =>
    free.some(({ types, booleans }) => (types & BOOLEAN) !== 0 && (booleans & bit) !== 0);
  const words: string[] = [];
  if (allowed(1) || literals.includes(true)) words.push("true");
  if (allowed(2) || literals.includes(false)) words.push("false");
  if (free.some(({ types }) => (types & NULL) !== 0) || literals.includes(null)) words.push("null");
  return words;
}

function refuseProblems({ types, problems }: Facts): void {
  for (const problem of problems) if ((problem.types & types) !== 0) throw problem.error;
}

/** The error of a schema that no value satisfies. */
export function unsatisfiable(path: string): GrammarError {
  return new GrammarError(
    "unsupported",
    "no value that can be guaranteed satisfies the schema",
    path,
  );
}
