/**
 * What a subschema says when it must hold: every keyword narrows the facts, adds subschemas, or opens a choice.
 */
import { type Json, equalJson, hasOnlyFiniteNumbers } from "../json.ts";
import { multiplesOf, maximumLanguage, minimumLanguage } from "../regular/numbers.ts";
import { patternAt, formatLanguage } from "./string-languages.ts";
import { assertArray } from "./assert-array.ts";
import { assertObject } from "./assert-object.ts";
import type { Subschema } from "./document.ts";
import {
  type Facts,
  type Order,
  FRACTION,
  NUMBER,
  STRING,
  negative,
  positive,
  typeOf,
} from "./facts.ts";
import {
  boundsAt,
  divisorAt,
  integerRangeAt,
  invalid,
  keywordsOf,
  listAt,
  referencesAt,
  typesAt,
  unsupported,
} from "./keywords.ts";
import { assertSize } from "./sizes.ts";
import type { Reading } from "./unfold.ts";

export function assertKeywords(at: Subschema, reading: Reading): void {
  const { facts } = reading;
  assertReferences(at, reading);
  facts.types &= typesAt(at) ?? facts.types;
  assertValues(at, facts);
  assertNumber(at, reading);
  assertString(at, reading);
  assertArray(at, reading);
  assertObject(at, reading);
  assertApplicators(at, reading);
}

function assertReferences(at: Subschema, { demand, schemas, orderOf }: Reading): void {
  for (const { keyword, reference } of referencesAt(at)) {
    demand(positive(schemas.document.resolve(at, reference, keyword), orderOf(keyword)));
  }
}

function assertValues(at: Subschema, facts: Facts): void {
  const keywords = keywordsOf(at);
  const constant = keywords["const"];
  const lists: Readonly<Record<string, readonly Json[] | undefined>> = {
    enum: listAt(at, "enum"),
    const: constant === undefined ? undefined : [constant],
  };
  for (const [keyword, list] of Object.entries(lists)) {
    if (list === undefined) continue;
    if (!list.every(hasOnlyFiniteNumbers)) throw invalid(at, keyword, "without infinite numbers");
    const before = facts.values;
    facts.values =
      before === undefined ? list : before.filter((a) => list.some((b) => equalJson(a, b)));
    facts.types &= list.reduce<number>((bits, value) => bits | typeOf(value), 0);
  }
}

function assertNumber(at: Subschema, { facts, schemas }: Reading): void {
  const { of } = schemas;
  const { minimum, maximum } = boundsAt(at);
  const range = integerRangeAt(at);
  if (range !== undefined) {
    facts.types &= ~FRACTION;
    minimum.push({ value: range[0], exclusive: false });
    maximum.push({ value: range[1], exclusive: false });
  }
  const divisor = divisorAt(at);
  if ((facts.types & NUMBER) === 0) return;
  for (const bound of minimum) facts.numbers = [...facts.numbers, minimumLanguage(bound, of)];
  for (const bound of maximum) facts.numbers = [...facts.numbers, maximumLanguage(bound, of)];
  facts.bounds = [...facts.bounds, ...[...minimum, ...maximum].map(({ value }) => value)];
  if (divisor === undefined) return;
  const multiples = multiplesOf(divisor, of);
  if (multiples === undefined) {
    const error = unsupported(
      at,
      "multipleOf",
      `multiples of ${divisor} need too large an automaton`,
    );
    facts.problems = [...facts.problems, { types: NUMBER, error }];
    return;
  }
  facts.numbers = [...facts.numbers, multiples];
  facts.bounds = [...facts.bounds, divisor];
}

function assertString(at: Subschema, { facts, schemas }: Reading): void {
  assertSize(at, "Length", facts);
  if ((facts.types & STRING) === 0) return;
  const format = formatLanguage(at, schemas);
  if (format !== undefined && !format.exact) facts.narrowed = true;
  const languages = [patternAt(at, schemas), format?.language];
  facts.strings = [...facts.strings, ...languages.filter((each) => each !== undefined)];
}

function assertApplicators(at: Subschema, reading: Reading): void {
  const { demand, choose, schemas, orderOf } = reading;
  const child = schemas.document.child;
  const keywords = keywordsOf(at);
  listAt(at, "allOf")?.forEach((_, i) =>
    demand(positive(child(at, "allOf", i), orderOf("allOf", i))),
  );
  const anyOf = listAt(at, "anyOf");
  if (anyOf !== undefined) {
    choose(anyOf.map((_, i) => ({ terms: [positive(child(at, "anyOf", i), orderOf("anyOf"))] })));
  }
  const oneOf = listAt(at, "oneOf");
  if (oneOf !== undefined)
    choose(
      exactlyOne(
        oneOf.map((_, i) => child(at, "oneOf", i)),
        orderOf("oneOf"),
        reading,
      ),
    );
  if (keywords["not"] !== undefined) demand(negative(child(at, "not")));
  if (keywords["if"] === undefined) return;
  const condition = child(at, "if");
  const branch = (keyword: string) =>
    keywords[keyword] === undefined ? [] : [positive(child(at, keyword), orderOf(keyword))];
  if (keywords["then"] === undefined && keywords["else"] === undefined) return;
  choose([
    { terms: [positive(condition, orderOf("if")), ...branch("then")] },
    { terms: [negative(condition, orderOf("if")), ...branch("else")] },
  ]);
}

/**
 * An option excludes only those others that it could meet: where a value tells them apart, nothing need be denied.
 * What the schema around them says of the type counts: options often leave it out.
 */
function exactlyOne(options: readonly Subschema[], order: Order, { facts, schemas }: Reading) {
  const meets = (a: Subschema, b: Subschema) =>
    a === b || (schemas.possibleTypes([positive(a), positive(b)]) & facts.types) !== 0;
  return options.flatMap((option, i) => {
    const others = options.filter((other, j) => j !== i && meets(option, other));
    if (others.includes(option)) return [];
    const terms = [positive(option, order), ...others.map((other) => negative(other, order))];
    return [{ terms }];
  });
}
