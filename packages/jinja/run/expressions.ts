/** What expressions come to. */
import { attribute, subscript } from "../builtins/access.ts";
import { filterNamed, isFilter } from "../builtins/filters.ts";
import { TESTS, testNamed } from "../builtins/tests.ts";
import type { Meter } from "../meter.ts";
import type {
  CallArguments,
  ComparisonOperator,
  Expression,
  SliceExpressions,
} from "../syntax/tree.ts";
import { TemplateError } from "../template-error.ts";
import { integerArgument } from "../values/arguments.ts";
import { arithmetic } from "../values/arithmetic.ts";
import { equals, isTrue, order } from "../values/compare.ts";
import { contains, itemsOf } from "../values/iterate.ts";
import { sliceOf } from "../values/slices.ts";
import { str } from "../values/text.ts";
import {
  type Arguments,
  Callable,
  Dict,
  isNumeric,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "../values/values.ts";
import type { Scope } from "./scope.ts";

type Kind = Expression["kind"];
type Of<K extends Kind, E = Expression> = E extends { kind: infer Kinds }
  ? K extends Kinds
    ? E
    : never
  : never;
type Evaluators = {
  readonly [K in Kind]: (expression: Of<K>, scope: Scope, meter: Meter) => Value;
};

export function evaluate(expression: Expression, scope: Scope, meter: Meter): Value {
  meter.step();
  const evaluator = EVALUATORS[expression.kind] as (
    expression: Expression,
    scope: Scope,
    meter: Meter,
  ) => Value;
  return evaluator(expression, scope, meter);
}

const EVALUATORS: Evaluators = {
  literal: ({ value }) => value,
  name: ({ name }, scope) => scope.get(name),
  list: ({ items }, scope, meter) => items.map((item) => evaluate(item, scope, meter)),
  tuple: ({ items }, scope, meter) => new Tuple(items.map((item) => evaluate(item, scope, meter))),
  dict: ({ entries }, scope, meter) =>
    Dict.of(
      entries.map(
        ([key, value]) => [evaluate(key, scope, meter), evaluate(value, scope, meter)] as const,
      ),
    ),
  not: ({ operand }, scope, meter) => !isTrue(evaluate(operand, scope, meter)),
  minus: ({ operand }, scope, meter) => {
    const value = signed(evaluate(operand, scope, meter));
    return -value;
  },
  plus: ({ operand }, scope, meter) => signed(evaluate(operand, scope, meter)),
  and: ({ left, right }, scope, meter) => {
    const value = evaluate(left, scope, meter);
    return isTrue(value) ? evaluate(right, scope, meter) : value;
  },
  or: ({ left, right }, scope, meter) => {
    const value = evaluate(left, scope, meter);
    return isTrue(value) ? value : evaluate(right, scope, meter);
  },
  arithmetic: ({ operator, left, right }, scope, meter) =>
    arithmetic(operator, evaluate(left, scope, meter), evaluate(right, scope, meter), meter),
  concatenation: ({ parts }, scope, meter) => {
    const texts = parts.map((part) => str(evaluate(part, scope, meter), meter));
    meter.characters(texts.reduce((sum, text) => sum + text.length, 0));
    return texts.join("");
  },
  comparison: ({ first, rest }, scope, meter) => {
    let left = evaluate(first, scope, meter);
    for (const { operator, with: other } of rest) {
      const right = evaluate(other, scope, meter);
      if (!COMPARISONS[operator](left, right)) return false;
      left = right;
    }
    return true;
  },
  condition: ({ test, value, otherwise }, scope, meter) => {
    if (isTrue(evaluate(test, scope, meter))) return evaluate(value, scope, meter);
    if (otherwise !== undefined) return evaluate(otherwise, scope, meter);
    return new Undefined("the condition is not met, and nothing is said for that case");
  },
  attribute: ({ of, name }, scope, meter) => attribute(evaluate(of, scope, meter), name),
  subscript: ({ of, key }, scope, meter) =>
    subscript(evaluate(of, scope, meter), evaluate(key, scope, meter)),
  slice: ({ of, bounds }, scope, meter) => sliced(evaluate(of, scope, meter), bounds, scope, meter),
  call: ({ callee, given }, scope, meter) =>
    called(evaluate(callee, scope, meter), argumentsOf(given, scope, meter), meter),
  filter: ({ of, name, given }, scope, meter) => {
    if (of === undefined) throw new TemplateError("a filter has nothing to filter");
    return filtered(name, evaluate(of, scope, meter), { given, scope, meter });
  },
  test: ({ of, name, given }, scope, meter) => {
    const value = evaluate(of, scope, meter);
    if (name === "filter") return isFilter(str(value, meter));
    if (name === "test") return TESTS.has(str(value, meter));
    return testNamed(name)(value, argumentsOf(given, scope, meter), meter);
  },
};

const COMPARISONS: Readonly<Record<ComparisonOperator, (left: Value, right: Value) => boolean>> = {
  "==": equals,
  "!=": (left, right) => !equals(left, right),
  "<": (left, right) => order(left, right) < 0,
  "<=": (left, right) => order(left, right) <= 0,
  ">": (left, right) => order(left, right) > 0,
  ">=": (left, right) => order(left, right) >= 0,
  in: (left, right) => contains(right, left),
  "not in": (left, right) => !contains(right, left),
};

function signed(value: Value): bigint | number {
  if (value instanceof Undefined) throw new TemplateError(value.reason);
  if (!isNumeric(value)) throw new TemplateError(`a ${typeName(value)} has no sign`);
  return typeof value === "boolean" ? BigInt(value) : value;
}

function sliced(value: Value, bounds: SliceExpressions, scope: Scope, meter: Meter): Value {
  const bound = (expression: Expression | undefined) => {
    const index = expression === undefined ? null : evaluate(expression, scope, meter);
    return index === null ? undefined : integerArgument(index, "a slice");
  };
  const { start, stop, step } = bounds;
  const evaluated = { start: bound(start), stop: bound(stop), step: bound(step) };
  if (value instanceof Undefined) throw new TemplateError(value.reason);
  return sliceOf(value, evaluated);
}

export function called(callee: Value, given: Arguments, meter: Meter): Value {
  if (callee instanceof Undefined) throw new TemplateError(callee.reason);
  if (!(callee instanceof Callable)) {
    throw new TemplateError(`a ${typeName(callee)} cannot be called`);
  }
  return meter.deeper(() => callee.call(given, meter));
}

export function argumentsOf(given: CallArguments, scope: Scope, meter: Meter): Arguments {
  const positional = given.positional.map((value) => evaluate(value, scope, meter));
  const named = new Map(
    given.named.map(([name, value]) => [name, evaluate(value, scope, meter)] as const),
  );
  if (given.spread !== undefined) positional.push(...itemsOf(evaluate(given.spread, scope, meter)));
  if (given.spreadNamed !== undefined) {
    const more = evaluate(given.spreadNamed, scope, meter);
    if (!(more instanceof Dict)) throw new TemplateError(`a ${typeName(more)} is no dict`);
    for (const [name, value] of more.entries()) named.set(str(name, meter), value);
  }
  return { positional, named };
}

type FilterSite = { readonly given: CallArguments; readonly scope: Scope; readonly meter: Meter };

function filtered(name: string, value: Value, { given, scope, meter }: FilterSite): Value {
  return filterNamed(name)(value, argumentsOf(given, scope, meter), meter);
}

/** A block's filters, on what the block has become. */
export function filterBlock(filters: Expression, text: string, scope: Scope, meter: Meter): Value {
  if (filters.kind !== "filter") throw new TemplateError("a block is filtered by filters");
  const { of, name, given } = filters;
  const value = of === undefined ? text : filterBlock(of, text, scope, meter);
  return filtered(name, value, { given, scope, meter });
}
