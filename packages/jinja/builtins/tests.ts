/** What can be asked with `is`. */
import { TemplateError } from "../template-error.ts";
import { bound } from "../values/arguments.ts";
import { arithmetic } from "../values/arithmetic.ts";
import { equals, isTrue, order } from "../values/compare.ts";
import { contains, isIterable, sizeOf } from "../values/iterate.ts";
import type { Meter } from "../meter.ts";
import {
  type Arguments,
  Callable,
  Dict,
  isNumeric,
  typeName,
  Undefined,
  type Value,
} from "../values/values.ts";

type Test = (value: Value, given: Arguments, meter: Meter) => boolean;

function plain(test: (value: Value) => boolean): Test {
  return (value, given) => {
    bound(given, [], "a test");
    return test(value);
  };
}

function withOther(test: (value: Value, other: Value, meter: Meter) => boolean): Test {
  return (value, given, meter) => test(value, bound(given, ["other"], "a test")[0] as Value, meter);
}

function remainder(value: Value, by: Value, meter: Meter): Value {
  return arithmetic("%", value, by, meter);
}

const isCased = (change: "toUpperCase" | "toLowerCase") =>
  plain((value) => {
    const text = typeof value === "string" ? value : "";
    return text === text[change]() && text.toLowerCase() !== text.toUpperCase();
  });

const equal = withOther(equals);
const notEqual = withOther((value, other) => !equals(value, other));
const greater = withOther((value, other) => order(value, other) > 0);
const less = withOther((value, other) => order(value, other) < 0);
const notLess = withOther((value, other) => order(value, other) >= 0);
const notGreater = withOther((value, other) => order(value, other) <= 0);

export const TESTS: ReadonlyMap<string, Test> = new Map(
  Object.entries({
    boolean: plain((value) => typeof value === "boolean"),
    callable: plain((value) => value instanceof Callable),
    defined: plain((value) => !(value instanceof Undefined)),
    divisibleby: withOther((value, by, meter) => equals(remainder(value, by, meter), 0n)),
    "==": equal,
    eq: equal,
    equalto: equal,
    escaped: plain(() => false),
    even: plain((value) => typeof value === "bigint" && value % 2n === 0n),
    false: plain((value) => value === false),
    float: plain((value) => typeof value === "number"),
    ">=": notLess,
    ge: notLess,
    ">": greater,
    gt: greater,
    greaterthan: greater,
    in: withOther((value, other) => contains(other, value)),
    integer: plain((value) => typeof value === "bigint"),
    iterable: plain(isIterable),
    "<=": notGreater,
    le: notGreater,
    lower: isCased("toLowerCase"),
    "<": less,
    lt: less,
    lessthan: less,
    mapping: plain((value) => value instanceof Dict),
    "!=": notEqual,
    ne: notEqual,
    none: plain((value) => value === null),
    number: plain(isNumeric),
    odd: plain((value) => typeof value === "bigint" && value % 2n !== 0n),
    sameas: withOther((value, other) => value === other),
    sequence: plain((value) => sizeOf(value) !== undefined),
    string: plain((value) => typeof value === "string"),
    true: plain((value) => value === true),
    undefined: plain((value) => value instanceof Undefined),
    upper: isCased("toUpperCase"),
  }),
);

export function testNamed(name: string): Test {
  const test = TESTS.get(name);
  if (test === undefined) throw new TemplateError(`there is no test '${name}'`);
  return test;
}

/** What `select` and the like keep: with a test's name and its arguments, or what counts as true. */
export function predicate(given: readonly Value[], meter: Meter): (value: Value) => boolean {
  const [name, ...rest] = given;
  if (name === undefined) return isTrue;
  if (typeof name !== "string")
    throw new TemplateError(`a test has a name, not a ${typeName(name)}`);
  const test = testNamed(name);
  return (value) => test(value, { positional: rest, named: new Map() }, meter);
}
