/** What `+ - * / // % **` do: with numbers, and with texts and lists where Python has a meaning for it. */
import type { Meter } from "../meter.ts";
import { TemplateError } from "../template-error.ts";
import { lengthOf } from "./code-points.ts";
import { printf } from "./printf.ts";
import { isInteger, isList, isNumeric, Tuple, typeName, Undefined, type Value } from "./values.ts";

type Operator = "+" | "-" | "*" | "/" | "//" | "%" | "**";

export function arithmetic(operator: Operator, left: Value, right: Value, meter: Meter): Value {
  if (isNumeric(left) && isNumeric(right)) {
    return isInteger(left) && isInteger(right)
      ? INTEGERS[operator](BigInt(left), BigInt(right), meter)
      : FLOATS[operator](Number(left), Number(right));
  }
  const result = ofSequences(operator, left, right, meter);
  if (result === undefined) throw unsupported(operator, left, right);
  return result;
}

function ofSequences(
  operator: Operator,
  left: Value,
  right: Value,
  meter: Meter,
): Value | undefined {
  if (operator === "+") return added(left, right, meter);
  if (operator === "%" && typeof left === "string") return printf(left, right, meter);
  if (operator !== "*") return undefined;
  if (isInteger(right)) return repeated(left, Number(right), meter);
  return isInteger(left) ? repeated(right, Number(left), meter) : undefined;
}

function added(left: Value, right: Value, meter: Meter): Value | undefined {
  if (typeof left === "string" && typeof right === "string") {
    meter.characters(left.length + right.length);
    return left + right;
  }
  if (isList(left) && isList(right)) return concatenated(left, right, meter);
  if (left instanceof Tuple && right instanceof Tuple) {
    return new Tuple(concatenated(left.items, right.items, meter));
  }
  return undefined;
}

function concatenated(left: readonly Value[], right: readonly Value[], meter: Meter): Value[] {
  const count = left.length + right.length;
  meter.items(count);
  meter.step(count);
  return [...left, ...right];
}

function repeated(value: Value, times: number, meter: Meter): Value | undefined {
  const count = Math.max(0, times);
  if (typeof value === "string") {
    meter.characters(value.length * count);
    return value.repeat(value === "" ? 0 : count);
  }
  if (value instanceof Tuple) {
    return new Tuple((repeated(value.items, count, meter) as readonly Value[] | undefined) ?? []);
  }
  if (!isList(value)) return undefined;
  meter.items(value.length * count);
  meter.step(value.length * count);
  return value.length === 0 ? [] : Array.from({ length: count }, () => value).flat();
}

function unsupported(operator: Operator, left: Value, right: Value): TemplateError {
  const missing = [left, right].find((value) => value instanceof Undefined);
  if (missing instanceof Undefined) return new TemplateError(missing.reason);
  return new TemplateError(
    `${operator} has no meaning between a ${typeName(left)} and a ${typeName(right)}`,
  );
}

type OfIntegers = (left: bigint, right: bigint, meter: Meter) => Value;

const INTEGERS: Readonly<Record<Operator, OfIntegers>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right, meter) => {
    meter.characters(digits(left) + digits(right));
    return left * right;
  },
  "/": (left, right) => Number(left) / Number(divisor(right)),
  "//": (left, right) => floorDivided(left, divisor(right)),
  "%": (left, right) => left - floorDivided(left, divisor(right)) * right,
  "**": (left, right, meter) => {
    if (right < 0n) return Number(left) ** Number(right);
    meter.characters(digits(left) * Number(right));
    // A number of so many digits is slow to make long before it is large.
    if (digits(left) * Number(right) > INTEGER_MAX_DIGITS) {
      throw new TemplateError(`it makes a number of more than ${INTEGER_MAX_DIGITS} digits`);
    }
    return left ** right;
  },
};

const INTEGER_MAX_DIGITS = 4300;

function digits(value: bigint): number {
  const length = lengthOf(value.toString(16)) * 1.25;
  if (length > INTEGER_MAX_DIGITS) {
    throw new TemplateError(`it makes a number of more than ${INTEGER_MAX_DIGITS} digits`);
  }
  return length;
}

function floorDivided(left: bigint, right: bigint): bigint {
  const quotient = left / right;
  return left % right !== 0n && left < 0n !== right < 0n ? quotient - 1n : quotient;
}

function divisor<Of extends bigint | number>(value: Of): Of {
  if (Number(value) === 0) throw new TemplateError("it divides by zero");
  return value;
}

const FLOATS: Readonly<Record<Operator, (left: number, right: number) => Value>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / divisor(right),
  "//": (left, right) => Math.floor(left / divisor(right)),
  "%": (left, right) => left - Math.floor(left / divisor(right)) * right,
  "**": (left, right) => left ** right,
};
