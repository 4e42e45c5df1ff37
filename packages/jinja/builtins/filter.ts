/** What a filter is, and what many of them do with their arguments. */
import type { Meter } from "../meter.ts";
import { type Bound, bound } from "../values/arguments.ts";
import { subscript } from "./access.ts";
import { str } from "../values/text.ts";
import { type Arguments, isInteger, typeName, Undefined, type Value } from "../values/values.ts";
import { TemplateError } from "../template-error.ts";

export type Filter = (value: Value, given: Arguments, meter: Meter) => Value;

/** One whose arguments have names; those that end with `?` may be left out. */
export function filter(
  names: string,
  apply: (value: Value, given: Bound, meter: Meter) => Value,
): Filter {
  const list = names === "" ? [] : names.split(" ");
  return (value, given, meter) => apply(value, bound(given, list, "a filter"), meter);
}

/** One that works on the value as text. */
export function textFilter(
  names: string,
  apply: (text: string, given: Bound, meter: Meter) => Value,
): Filter {
  return filter(names, (value, given, meter) => apply(str(value, meter), given, meter));
}

/** Looks up `a.b.0` in a value; absent: the value itself. */
export function getter(path: Value | undefined, otherwise?: Value): (value: Value) => Value {
  if (path === undefined || path === null) return (value) => value;
  const keys = keysOf(path);
  return (value) => {
    let found = value;
    for (const key of keys) {
      found = subscript(found, key);
      if (found instanceof Undefined && otherwise !== undefined && otherwise !== null) {
        found = otherwise;
      }
    }
    return found;
  };
}

function keysOf(path: Value): readonly Value[] {
  if (isInteger(path)) return [path];
  if (typeof path !== "string") {
    throw new TemplateError(`an attribute is a text, not a ${typeName(path)}`);
  }
  return path.split(".").map((part) => (/^\d+$/.test(part) ? BigInt(part) : part));
}

/** What things are ordered and told apart by: texts without regard to case, unless that is asked for. */
export function caseless(value: Value, caseSensitive: boolean): Value {
  return typeof value === "string" && !caseSensitive ? value.toLowerCase() : value;
}
