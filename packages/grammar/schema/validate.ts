/**
 * Whether a value satisfies a conjunction of subschemas: a small validator.
 *
 * It decides which values of an `enum` remain when other keywords stand beside it. What it does not know it refuses by
 * a typed error, as the compiler does.
 */
import {
  type Json,
  type JsonObject,
  canonicalText,
  equalJson,
  isArray,
  isObject,
} from "../json.ts";
import { decimalOf } from "../regular/decimal.ts";
import type { Subschema } from "./document.ts";
import { type Conjunction, typeOf } from "./facts.ts";
import { matches } from "./inside.ts";
import {
  boundsAt,
  countAt,
  divisorAt,
  integerRangeAt,
  keywordsOf,
  listAt,
  mapAt,
  namesAt,
  prefixAt,
  referencesAt,
  typesAt,
  unsupported,
} from "./keywords.ts";
import { sizeFits } from "./sizes.ts";
import { formatLanguage, located, patternAt } from "./string-languages.ts";
import type { Schemas } from "./unfold.ts";

/** A reference that leads back to itself on the same value would never end. */
const MAX_DEPTH = 200;

export function isValidValue(value: Json, terms: Conjunction, schemas: Schemas): boolean {
  return terms.every(({ subschema, negated }) => holds(value, subschema, schemas, 0) !== negated);
}

type Inner = (value: Json, at: Subschema) => boolean;

function holds(value: Json, at: Subschema, schemas: Schemas, depth: number): boolean {
  if (typeof at.schema === "boolean") return at.schema;
  schemas.budget.spend(2);
  if (depth > MAX_DEPTH) throw unsupported(at, "$ref", "leads back to itself");
  const each: Inner = (inner, sub) => holds(inner, sub, schemas, depth + 1);
  return (
    referencesHold(value, at, schemas, each) &&
    listsHold(value, at) &&
    ofItsType(value, at, schemas, each) &&
    applicatorsHold(value, at, schemas, each)
  );
}

function referencesHold(value: Json, at: Subschema, { document }: Schemas, each: Inner): boolean {
  return referencesAt(at).every(({ keyword, reference }) =>
    each(value, document.resolve(at, reference, keyword)),
  );
}

function listsHold(value: Json, at: Subschema): boolean {
  const types = typesAt(at);
  if (types !== undefined && (types & typeOf(value)) === 0) return false;
  const list = listAt(at, "enum");
  if (list !== undefined && !textsOf(list).has(canonicalText(value))) return false;
  const constant = keywordsOf(at)["const"];
  return constant === undefined || equalJson(constant, value);
}

const canonicalTexts = new WeakMap<readonly Json[], ReadonlySet<string>>();

/** Once for each list: every one of its values is looked up in it. */
function textsOf(list: readonly Json[]): ReadonlySet<string> {
  const known = canonicalTexts.get(list) ?? new Set(list.map(canonicalText));
  canonicalTexts.set(list, known);
  return known;
}

function ofItsType(value: Json, at: Subschema, schemas: Schemas, each: Inner): boolean {
  if (typeof value === "number") return numberHolds(value, at);
  if (typeof value === "string") return stringHolds(value, at, schemas);
  if (isArray(value)) return arrayHolds(value, at, schemas, each);
  return !isObject(value) || objectHolds(value, at, schemas, each);
}

function applicatorsHold(value: Json, at: Subschema, schemas: Schemas, each: Inner): boolean {
  const { child } = schemas.document;
  const keywords = keywordsOf(at);
  const count = (keyword: string) =>
    listAt(at, keyword)?.filter((_, i) => each(value, child(at, keyword, i))).length;
  if (count("allOf") !== listAt(at, "allOf")?.length) return false;
  if (count("anyOf") === 0 || (count("oneOf") ?? 1) !== 1) return false;
  if (keywords["not"] !== undefined && each(value, child(at, "not"))) return false;
  if (keywords["if"] === undefined) return true;
  const branch = each(value, child(at, "if")) ? "then" : "else";
  return keywords[branch] === undefined || each(value, child(at, branch));
}

function numberHolds(value: number, at: Subschema): boolean {
  const { minimum, maximum } = boundsAt(at);
  if (minimum.some((bound) => value < bound.value || (bound.exclusive && value === bound.value)))
    return false;
  if (maximum.some((bound) => value > bound.value || (bound.exclusive && value === bound.value)))
    return false;
  const range = integerRangeAt(at);
  if (range !== undefined && (!Number.isInteger(value) || value < range[0] || value > range[1]))
    return false;
  const divisor = divisorAt(at);
  return divisor === undefined || isMultiple(value, divisor);
}

function isMultiple(value: number, divisor: number): boolean {
  const parts = [decimalOf(value), decimalOf(divisor)];
  const places = Math.max(...parts.map(({ fraction }) => fraction.length));
  const [scaled = 0n, unit = 1n] = parts.map(({ integer, fraction }) =>
    BigInt(integer + fraction.padEnd(places, "0")),
  );
  return unit !== 0n && scaled % unit === 0n;
}

function stringHolds(value: string, at: Subschema, schemas: Schemas): boolean {
  if (!sizeFits(Array.from(value).length, at, "Length")) return false;
  return [patternAt(at, schemas), formatLanguage(at, schemas)?.language].every(
    (language) => language === undefined || matches(language, value, schemas),
  );
}

function arrayHolds(value: readonly Json[], at: Subschema, schemas: Schemas, each: Inner): boolean {
  const { child } = schemas.document;
  const keywords = keywordsOf(at);
  if (!sizeFits(value.length, at, "Items")) return false;
  const distinct = new Set(value.map(canonicalText)).size;
  if (keywords["uniqueItems"] === true && distinct < value.length) return false;
  if (!itemsHold(value, at, schemas, each)) return false;
  refuseUnevaluated(at, "unevaluatedItems");
  if (keywords["contains"] === undefined) return true;
  const found = value.filter((item) => each(item, child(at, "contains"))).length;
  return (
    found >= (countAt(at, "minContains") ?? 1) && found <= (countAt(at, "maxContains") ?? Infinity)
  );
}

function itemsHold(
  value: readonly Json[],
  at: Subschema,
  { document: { child } }: Schemas,
  each: Inner,
): boolean {
  const keywords = keywordsOf(at);
  const { list, length, after } = prefixAt(at);
  return value.every((item, i) => {
    if (i < length) return each(item, child(at, list, i));
    return keywords[after] === undefined || each(item, child(at, after));
  });
}

function refuseUnevaluated(at: Subschema, keyword: string): void {
  if ((keywordsOf(at)[keyword] ?? true) !== true)
    throw unsupported(at, keyword, "cannot be guaranteed");
}

function objectHolds(value: JsonObject, at: Subschema, schemas: Schemas, each: Inner): boolean {
  const names = Object.keys(value);
  if (!sizeFits(names.length, at, "Properties")) return false;
  if (namesAt(at, "required").some((name) => !Object.hasOwn(value, name))) return false;
  refuseUnevaluated(at, "unevaluatedProperties");
  return membersHold(value, at, schemas, each) && dependenciesHold(value, at, schemas, each);
}

function membersHold(value: JsonObject, at: Subschema, schemas: Schemas, each: Inner): boolean {
  const { child } = schemas.document;
  const keywords = keywordsOf(at);
  const patterns = mapAt(at, "patternProperties").map(([source]) => source);
  const properties = new Set(mapAt(at, "properties").map(([name]) => name));
  return Object.entries(value).every(([name, member]) => {
    const matching = patterns.filter((source) =>
      matches(located(source, at, "patternProperties", schemas), name, schemas),
    );
    if (matching.some((source) => !each(member, child(at, "patternProperties", source))))
      return false;
    if (keywords["propertyNames"] !== undefined && !each(name, child(at, "propertyNames")))
      return false;
    if (properties.has(name)) return each(member, child(at, "properties", name));
    const free = matching.length > 0 || keywords["additionalProperties"] === undefined;
    return free || each(member, child(at, "additionalProperties"));
  });
}

function dependenciesHold(
  value: JsonObject,
  at: Subschema,
  { document }: Schemas,
  each: Inner,
): boolean {
  return ["dependencies", "dependentRequired", "dependentSchemas"].every((keyword) =>
    mapAt(at, keyword).every(([name, needed]) => {
      if (!Object.hasOwn(value, name)) return true;
      if (!isArray(needed)) return each(value, document.child(at, keyword, name));
      return needed.every((other) => typeof other === "string" && Object.hasOwn(value, other));
    }),
  );
}
