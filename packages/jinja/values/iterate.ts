/** Walking through values, counting them, and looking for one in another. */
import { TemplateError } from "../template-error.ts";
import { equals } from "./compare.ts";
import { lengthOf, pointsOf } from "./code-points.ts";
import { Dict, isList, Stream, Tuple, typeName, Undefined, type Value, View } from "./values.ts";

/** Of a dict its keys, of a text its characters. Undefined has none. Throws for what has no items. */
export function itemsOf(value: Value): readonly Value[] {
  const items = itemsIn(value);
  if (items === undefined) throw new TemplateError(`a ${typeName(value)} has no items`);
  return items;
}

export function isIterable(value: Value): boolean {
  return value instanceof Stream || itemsIn(value) !== undefined;
}

function itemsIn(value: Value): readonly Value[] | undefined {
  if (isList(value)) return value;
  if (value instanceof Dict) return value.keys();
  if (value instanceof Tuple || value instanceof View) return value.items;
  if (value instanceof Stream) return value.take();
  if (value instanceof Undefined) return [];
  return typeof value === "string" ? pointsOf(value) : undefined;
}

/** Undefined where the value has no length. */
export function sizeOf(value: Value): number | undefined {
  if (typeof value === "string") return lengthOf(value);
  if (isList(value)) return value.length;
  if (value instanceof Dict) return value.size;
  if (value instanceof Tuple || value instanceof View) return value.items.length;
  return value instanceof Undefined ? 0 : undefined;
}

/** `needle in haystack`. */
export function contains(haystack: Value, needle: Value): boolean {
  if (typeof haystack === "string") {
    if (typeof needle === "string") return haystack.includes(needle);
    throw new TemplateError(`a ${typeName(needle)} cannot be in a text`);
  }
  if (haystack instanceof Dict) return haystack.has(needle);
  return itemsOf(haystack).some((item) => equals(item, needle));
}
