/** Which values are equal, which comes first, and which count as true: Python's rules. */
import { TemplateError } from "../template-error.ts";
import {
  Dict,
  isList,
  isNumeric,
  Namespace,
  Stream,
  Tuple,
  typeName,
  Undefined,
  type Value,
  View,
} from "./values.ts";

export function isTrue(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  if (isList(value)) return value.length > 0;
  if (value instanceof Dict) return value.size > 0;
  if (value instanceof Tuple || value instanceof View) return value.items.length > 0;
  if (value instanceof Stream || value instanceof Namespace) return true;
  return Boolean(value);
}

export function equals(left: Value, right: Value): boolean {
  if (isNumeric(left) && isNumeric(right)) {
    // Of two types, the comparison is exact.
    // oxlint-disable-next-line eqeqeq
    return numeric(left) == numeric(right);
  }
  if (isList(left)) return isList(right) && allEqual(left, right);
  if (left instanceof Tuple) return right instanceof Tuple && allEqual(left.items, right.items);
  if (left instanceof Undefined) return right instanceof Undefined;
  if (left instanceof Dict) return right instanceof Dict && sameEntries(left, right);
  return left === right;
}

function numeric(value: bigint | number | boolean): bigint | number {
  return typeof value === "boolean" ? BigInt(value) : value;
}

function allEqual(left: readonly Value[], right: readonly Value[]): boolean {
  return left.length === right.length && left.every((item, at) => equals(item, right[at] as Value));
}

function sameEntries(left: Dict, right: Dict): boolean {
  return (
    left.size === right.size &&
    left.entries().every(([key, value]) => right.has(key) && equals(value, right.get(key) as Value))
  );
}

/** Negative where `left` comes first. Throws for what has no order. */
export function order(left: Value, right: Value): number {
  if (isNumeric(left) && isNumeric(right)) {
    const [a, b] = [numeric(left), numeric(right)];
    return a < b ? -1 : Number(a > b);
  }
  if (typeof left === "string" && typeof right === "string") return textOrder(left, right);
  if (isList(left) && isList(right)) return listOrder(left, right);
  if (left instanceof Tuple && right instanceof Tuple) return listOrder(left.items, right.items);
  throw new TemplateError(`a ${typeName(left)} and a ${typeName(right)} have no order`);
}

/** By code points; JavaScript compares halves of them. */
function textOrder(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  let at = 0;
  while (at < length && left.charCodeAt(at) === right.charCodeAt(at)) at++;
  if (at === length) return left.length - right.length;
  const [a, b] = [left.charCodeAt(at), right.charCodeAt(at)];
  const [aHigh, bHigh] = [isSurrogate(a), isSurrogate(b)];
  if (aHigh !== bHigh) return aHigh ? 1 : -1;
  return a - b;
}

function isSurrogate(code: number): boolean {
  return code >= 0xd8_00 && code <= 0xdf_ff;
}

function listOrder(left: readonly Value[], right: readonly Value[]): number {
  for (const [at, item] of left.entries()) {
    if (at >= right.length) return 1;
    const other = right[at] as Value;
    if (!equals(item, other)) return order(item, other);
  }
  return left.length - right.length;
}
