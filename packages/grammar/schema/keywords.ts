/**
 * Reads keywords, so that what follows sees only values of the right kind.
 *
 * A keyword of the wrong kind makes the schema invalid; it is never ignored.
 */
import { GrammarError } from "../grammar-error.ts";
import { type Json, type JsonObject, isArray, isObject } from "../json.ts";
import { integerRangeOf } from "../regular/formats.ts";
import type { Bound } from "../regular/numbers.ts";
import type { Subschema } from "./document.ts";
import { typeBits } from "./facts.ts";

export function keywordsOf(subschema: Subschema): JsonObject {
  return typeof subschema.schema === "boolean" ? {} : subschema.schema;
}

export function invalid(at: Subschema, keyword: string, expected: string): GrammarError {
  return new GrammarError("invalid", `must be ${expected}`, at.path, keyword);
}

export function unsupported(at: Subschema, keyword: string, why: string): GrammarError {
  return new GrammarError("unsupported", why, at.path, keyword);
}

function numberAt(at: Subschema, keyword: string): number | undefined {
  const value = keywordsOf(at)[keyword];
  if (value === undefined || (typeof value === "number" && Number.isFinite(value))) return value;
  throw invalid(at, keyword, "a number");
}

export function countAt(at: Subschema, keyword: string): number | undefined {
  const value = numberAt(at, keyword);
  if (value === undefined || (Number.isInteger(value) && value >= 0)) return value;
  throw invalid(at, keyword, "a whole number from 0");
}

export function textAt(at: Subschema, keyword: string): string | undefined {
  const value = keywordsOf(at)[keyword];
  if (value === undefined || typeof value === "string") return value;
  throw invalid(at, keyword, "a string");
}

export function listAt(at: Subschema, keyword: string): readonly Json[] | undefined {
  const value = keywordsOf(at)[keyword];
  if (value === undefined || isArray(value)) return value;
  throw invalid(at, keyword, "an array");
}

export function namesAt(at: Subschema, keyword: string): readonly string[] {
  const names = listAt(at, keyword) ?? [];
  return names.map((name) => {
    if (typeof name !== "string") throw invalid(at, keyword, "an array of strings");
    return name;
  });
}

/** The names of a keyword that maps names to schemas (or to anything). */
export function mapAt(at: Subschema, keyword: string): readonly (readonly [string, Json])[] {
  const value = keywordsOf(at)[keyword];
  if (value === undefined) return [];
  if (!isObject(value)) throw invalid(at, keyword, "an object");
  return Object.entries(value);
}

export function typesAt(at: Subschema): number | undefined {
  const value = keywordsOf(at)["type"];
  if (value === undefined) return undefined;
  let bits = 0;
  for (const name of isArray(value) ? value : [value]) {
    const bit = typeBits(name);
    if (bit === undefined) throw invalid(at, "type", "the name of a JSON type, or several");
    bits |= bit;
  }
  return bits;
}

/** Schemas that the value must satisfy too, by the keywords that refer to them. */
export function referencesAt(
  at: Subschema,
): readonly { readonly keyword: string; readonly reference: string }[] {
  return ["$ref", "$dynamicRef", "$recursiveRef"].flatMap((keyword) => {
    const reference = textAt(at, keyword);
    return reference === undefined ? [] : [{ keyword, reference }];
  });
}

/** Where an array's first items have schemas of their own, and the keyword for the items after them. */
export function prefixAt(at: Subschema): {
  readonly list: "items" | "prefixItems";
  readonly length: number;
  readonly after: "additionalItems" | "items";
} {
  const list = isArray(keywordsOf(at)["items"]) ? "items" : "prefixItems";
  const length = listAt(at, list)?.length ?? 0;
  return { list, length, after: list === "items" ? "additionalItems" : "items" };
}

/** `divisibleBy` is how the oldest drafts wrote it. */
export function divisorAt(at: Subschema): number | undefined {
  const keyword = keywordsOf(at)["multipleOf"] === undefined ? "divisibleBy" : "multipleOf";
  const divisor = numberAt(at, keyword);
  if (divisor === undefined || divisor > 0) return divisor;
  throw invalid(at, keyword, "a number above 0");
}

/** The lowest and the highest number of a format such as `int32`. */
export function integerRangeAt(at: Subschema): readonly [number, number] | undefined {
  const format = textAt(at, "format");
  return format === undefined ? undefined : integerRangeOf(format);
}

/** The lowest and the highest number, with draft 4's way to exclude them. */
export function boundsAt(at: Subschema): { minimum: Bound[]; maximum: Bound[] } {
  const read = (inclusive: string, exclusive: string): Bound[] => {
    const bounds: Bound[] = [];
    const flag = keywordsOf(at)[exclusive];
    const value = numberAt(at, inclusive);
    if (value !== undefined) bounds.push({ value, exclusive: flag === true });
    if (typeof flag === "boolean") return bounds;
    const own = numberAt(at, exclusive);
    if (own !== undefined) bounds.push({ value: own, exclusive: true });
    return bounds;
  };
  return {
    minimum: read("minimum", "exclusiveMinimum"),
    maximum: read("maximum", "exclusiveMaximum"),
  };
}
