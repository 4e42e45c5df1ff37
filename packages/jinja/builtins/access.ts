/** `value.name` and `value[key]`: Jinja looks for one, then for the other. */
import { TemplateError } from "../template-error.ts";
import { pointAt } from "../values/code-points.ts";
import {
  Callable,
  Dict,
  isInteger,
  isList,
  Namespace,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "../values/values.ts";
import { methodOf } from "./methods.ts";

/** What it is has precedence over what it holds. */
export function attribute(value: Value, name: string): Value {
  const own = ownAttribute(value, name);
  const found = own === undefined ? item(value, name) : own;
  return found === undefined ? missing(value, name) : found;
}

/** What it holds has precedence over what it is. */
export function subscript(value: Value, key: Value): Value {
  const held = item(value, key);
  const found = held === undefined && typeof key === "string" ? ownAttribute(value, key) : held;
  return found === undefined ? missing(value, key) : found;
}

/** What a value is: its methods, and attributes of what has such. */
export function ownAttribute(value: Value, name: string): Value | undefined {
  if (value instanceof Undefined) throw new TemplateError(value.reason);
  if (value instanceof Namespace) return value.attributes.get(name);
  if (value instanceof Callable) return value.attributes.get(name);
  if (value instanceof Tuple && value.names.includes(name)) {
    return value.items[value.names.indexOf(name)];
  }
  return methodOf(value, name);
}

function item(value: Value, key: Value): Value | undefined {
  if (value instanceof Undefined) throw new TemplateError(value.reason);
  if (value instanceof Dict) return isHashable(key) ? value.get(key) : undefined;
  if (!isInteger(key)) return undefined;
  const index = Number(key);
  if (isList(value)) return value.at(index);
  if (value instanceof Tuple) return value.items.at(index);
  return typeof value === "string" ? pointAt(value, index) : undefined;
}

function isHashable(key: Value): boolean {
  return !isList(key) && !(key instanceof Dict);
}

function missing(value: Value, key: Value): Undefined {
  const name =
    typeof key === "string" ? `'${key}'` : String(typeof key === "bigint" ? key : typeName(key));
  return new Undefined(`a ${typeName(value)} has no ${name}`);
}
