/**
 * What a subschema says when it must not hold: one of its keywords is broken.
 *
 * Each option breaks one keyword. A keyword whose breach cannot be said (a member of some unknown name that is wrong)
 * offers none: then fewer values are allowed, never a wrong one.
 */
import { type Json, isArray } from "../json.ts";
import { maximumLanguage, minimumLanguage, multiplesOf } from "../regular/numbers.ts";
import { LAST, forbidName, requireNames } from "./assert-object.ts";
import { othersOfType } from "./differing.ts";
import type { Subschema } from "./document.ts";
import {
  ALL_TYPES,
  ARRAY,
  type Facts,
  NUMBER,
  OBJECT,
  STRING,
  negative,
  positive,
  typeOf,
} from "./facts.ts";
import {
  boundsAt,
  divisorAt,
  keywordsOf,
  listAt,
  mapAt,
  namesAt,
  prefixAt,
  referencesAt,
  textAt,
  typesAt,
} from "./keywords.ts";
import { brokenSize } from "./sizes.ts";
import { formatLanguage, patternAt } from "./string-languages.ts";
import type { Option, Reading, Schemas } from "./unfold.ts";

export function denyKeywords(at: Subschema, reading: Reading): void {
  const { schemas } = reading;
  const references = referencesAt(at);
  const options: Option[] = references.map(({ keyword, reference }) => ({
    terms: [negative(schemas.document.resolve(at, reference, keyword))],
  }));
  const onlyReference = references.length > 0 && at.dialect.startsWith("draft");
  if (!onlyReference) {
    options.push(
      ...brokenType(at),
      ...brokenValues(at, reading),
      ...brokenNumber(at, reading),
      ...brokenString(at, reading),
      ...brokenArray(at, reading),
      ...brokenObject(at, reading),
      ...brokenApplicators(at, reading),
    );
  }
  reading.choose(options);
}

function brokenType(at: Subschema): readonly Option[] {
  const types = typesAt(at);
  if (types === undefined) return [];
  const others = ALL_TYPES & ~types;
  return others === 0 ? [] : [{ narrow: (facts) => void (facts.types &= others) }];
}

function brokenValues(at: Subschema, reading: Reading): readonly Option[] {
  const listed = listAt(at, "enum");
  const constant = keywordsOf(at)["const"];
  return [listed, constant === undefined ? undefined : [constant]]
    .filter((list) => list !== undefined)
    .flatMap((list) => {
      const types =
        list.reduce<number>((bits, value) => bits | typeOf(value), 0) & (ARRAY | OBJECT);
      const others = { narrow: (facts: Facts) => withoutValues(facts, list, reading) };
      const ofTypes = [ARRAY, OBJECT]
        .filter((type) => (types & type) !== 0)
        .flatMap((type) => othersOfType(type, list, reading.schemas) ?? [unsayable(type)]);
      return [others, ...ofTypes];
    });
}

/** Values of these types break the keyword too, in ways that cannot be said. */
function unsayable(types: number): Option {
  return {
    narrow: (facts) => {
      facts.types &= types;
      facts.unsayable = true;
    },
  };
}

function withoutValues(facts: Facts, values: readonly Json[], { schemas }: Reading): void {
  const { of } = schemas;
  const strings = values.filter((value) => typeof value === "string");
  const numbers = values.filter((value) => typeof value === "number");
  if (strings.length > 0)
    facts.strings = [...facts.strings, of.not(of.or(...strings.map(of.literal)))];
  for (const value of numbers) {
    const same = of.and(
      minimumLanguage({ value, exclusive: false }, of),
      maximumLanguage({ value, exclusive: false }, of),
    );
    facts.numbers = [...facts.numbers, of.not(same)];
    facts.bounds = [...facts.bounds, value];
  }
  for (const value of values) {
    if (value === null) facts.types &= ~typeOf(null);
    else if (typeof value === "boolean") facts.booleans &= value ? ~1 : ~2;
    else if (isArray(value)) facts.types &= ~ARRAY;
    else if (typeof value === "object") facts.types &= ~OBJECT;
  }
}

function brokenNumber(at: Subschema, { schemas }: Reading): readonly Option[] {
  const { of } = schemas;
  const { minimum, maximum } = boundsAt(at);
  const options: Option[] = [];
  const add = (language: ReturnType<typeof of.or>, bound: number) =>
    options.push({
      narrow: (facts) => {
        facts.types &= NUMBER;
        facts.numbers = [...facts.numbers, language];
        facts.bounds = [...facts.bounds, bound];
      },
    });
  for (const { value, exclusive } of minimum) {
    add(maximumLanguage({ value, exclusive: !exclusive }, of), value);
  }
  for (const { value, exclusive } of maximum) {
    add(minimumLanguage({ value, exclusive: !exclusive }, of), value);
  }
  if (textAt(at, "format") !== undefined) options.push(unsayable(NUMBER));
  const divisor = divisorAt(at);
  const multiples = divisor === undefined ? undefined : multiplesOf(divisor, of);
  if (divisor !== undefined) {
    if (multiples === undefined) options.push(unsayable(NUMBER));
    else add(of.not(multiples), divisor);
  }
  return options;
}

function brokenString(at: Subschema, { schemas }: Reading): readonly Option[] {
  const { of } = schemas;
  const options = [...brokenSize(at, "Length")];
  const format = formatLanguage(at, schemas);
  if (format?.exact === false) options.push(unsayable(STRING));
  for (const language of [
    patternAt(at, schemas),
    format?.exact === true ? format.language : undefined,
  ]) {
    if (language === undefined) continue;
    options.push({
      narrow: (facts) => {
        facts.types &= STRING;
        facts.strings = [...facts.strings, of.not(language)];
      },
    });
  }
  return options;
}

function brokenArray(at: Subschema, { schemas }: Reading): readonly Option[] {
  const options = [...brokenSize(at, "Items")];
  const add = (narrow: (facts: Facts) => void) =>
    options.push({
      narrow: (facts) => {
        facts.types &= ARRAY;
        narrow(facts);
        if (facts.minItems > facts.maxItems) facts.types = 0;
      },
    });
  for (const narrow of brokenItems(at, schemas)) add(narrow);
  if (hasUnsayableItems(at)) options.push(unsayable(ARRAY));
  return options;
}

function brokenItems(at: Subschema, { document: { child } }: Schemas) {
  const keywords = keywordsOf(at);
  const narrows: ((facts: Facts) => void)[] = [];
  const { list, length } = prefixAt(at);
  for (let i = 0; i < length; i++) {
    const heads = Array.from({ length: i }, () => []);
    const wrong = [negative(child(at, list, i))];
    narrows.push((facts) => {
      facts.minItems = Math.max(facts.minItems, i + 1);
      facts.tuples = [...facts.tuples, { prefix: [...heads, wrong], rest: [] }];
    });
  }
  if (list === "prefixItems" && keywords["items"] !== undefined && length === 0) {
    const item = [negative(child(at, "items"))];
    narrows.push((facts) => {
      facts.contains = [...facts.contains, { item, min: 1, max: Infinity, at }];
      facts.minItems = Math.max(facts.minItems, 1);
    });
  }
  if (keywords["contains"] !== undefined && !countsContained(at)) {
    const rest = [negative(child(at, "contains"))];
    narrows.push((facts) => void (facts.tuples = [...facts.tuples, { prefix: [], rest }]));
  }
  return narrows;
}

function countsContained(at: Subschema): boolean {
  const keywords = keywordsOf(at);
  return keywords["minContains"] !== undefined || keywords["maxContains"] !== undefined;
}

/** Items after a prefix that are wrong, counts of `contains`, and items that are equal. */
function hasUnsayableItems(at: Subschema): boolean {
  const keywords = keywordsOf(at);
  if (["uniqueItems", "unevaluatedItems"].some((each) => keywords[each] !== undefined)) {
    return true;
  }
  const { list, length, after } = prefixAt(at);
  if ((list === "items" || length > 0) && keywords[after] !== undefined) return true;
  return keywords["contains"] !== undefined && countsContained(at);
}

function brokenObject(at: Subschema, { schemas }: Reading): readonly Option[] {
  const { child } = schemas.document;
  const keywords = keywordsOf(at);
  const options = [...brokenSize(at, "Properties")];
  const add = (narrow: (facts: Facts) => void) =>
    options.push({
      narrow: (facts) => {
        facts.types &= OBJECT;
        narrow(facts);
      },
    });
  const unsaid = [
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "unevaluatedProperties",
  ];
  if (unsaid.some((keyword) => (keywords[keyword] ?? true) !== true))
    options.push(unsayable(OBJECT));
  if (["patternProperties", "additionalProperties"].some((each) => keywords[each] !== undefined))
    add((facts) => void (facts.strangers = [...facts.strangers, at]));
  for (const name of namesAt(at, "required")) add((facts) => forbidName(facts, name, schemas));
  for (const [name] of mapAt(at, "properties")) {
    const wrong = [negative(child(at, "properties", name))];
    add((facts) => {
      requireNames(facts, [name]);
      facts.blocks = [
        ...facts.blocks,
        { order: LAST, properties: new Map([[name, wrong]]), patterns: [], additional: [] },
      ];
    });
  }
  for (const keyword of ["dependencies", "dependentRequired", "dependentSchemas"]) {
    for (const [name, value] of mapAt(at, keyword)) {
      if (isArray(value)) {
        for (const missing of value.filter((each) => typeof each === "string")) {
          add((facts) => {
            requireNames(facts, [name]);
            forbidName(facts, missing, schemas);
          });
        }
      } else {
        const terms = [negative(child(at, keyword, name))];
        options.push({ terms, narrow: (facts) => requireNames(facts, [name]) });
      }
    }
  }
  return options;
}

/** Pairs grow with the square of the options: of more than these, none is offered. */
const MAX_PAIRED = 8;

function twoAtOnce(subschemas: readonly Subschema[]): readonly Option[] {
  if (subschemas.length > MAX_PAIRED) return [unsayable(ALL_TYPES)];
  return subschemas.flatMap((one, i) =>
    subschemas.slice(i + 1).map((other) => ({ terms: [positive(one), positive(other)] })),
  );
}

function brokenApplicators(at: Subschema, { schemas }: Reading): readonly Option[] {
  const { child } = schemas.document;
  const keywords = keywordsOf(at);
  const options: Option[] = [];
  listAt(at, "allOf")?.forEach((_, i) =>
    options.push({ terms: [negative(child(at, "allOf", i))] }),
  );
  for (const keyword of ["anyOf", "oneOf"]) {
    const list = listAt(at, keyword);
    if (list === undefined) continue;
    const subschemas = list.map((_, i) => child(at, keyword, i));
    options.push({ terms: subschemas.map((one) => negative(one)) });
    if (keyword === "oneOf") options.push(...twoAtOnce(subschemas));
  }
  if (keywords["not"] !== undefined) options.push({ terms: [positive(child(at, "not"))] });
  if (keywords["if"] !== undefined) {
    const condition = child(at, "if");
    if (keywords["then"] !== undefined) {
      options.push({ terms: [positive(condition), negative(child(at, "then"))] });
    }
    if (keywords["else"] !== undefined) {
      options.push({ terms: [negative(condition), negative(child(at, "else"))] });
    }
  }
  return options;
}
