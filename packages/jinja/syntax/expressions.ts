/**
 * Expressions, by Jinja's grammar: conditions bind least, then `or`, `and`, `not`, comparisons, `+ -`, `~`, `* / // %`,
 * `**`, signs, and last what follows a value: attributes, calls, filters, tests.
 */
import { primary } from "./primaries.ts";
import type { TokenStream } from "./token-stream.ts";
import type { ArithmeticOperator, Compared, ComparisonOperator, Expression } from "./tree.ts";
import { filtered, postfixed } from "./postfixes.ts";

export function expression(stream: TokenStream): Expression {
  return stream.deeper(() => condition(stream));
}

function condition(stream: TokenStream): Expression {
  let value = disjunction(stream);
  while (stream.skip("name", "if")) {
    const test = disjunction(stream);
    const otherwise = stream.skip("name", "else") ? expression(stream) : undefined;
    value = { kind: "condition", test, value, otherwise };
  }
  return value;
}

/** An expression that has no condition of its own: what a loop goes through. */
export function disjunction(stream: TokenStream): Expression {
  let left = conjunction(stream);
  while (stream.skip("name", "or")) left = { kind: "or", left, right: conjunction(stream) };
  return left;
}

function conjunction(stream: TokenStream): Expression {
  let left = negation(stream);
  while (stream.skip("name", "and")) left = { kind: "and", left, right: negation(stream) };
  return left;
}

function negation(stream: TokenStream): Expression {
  if (!stream.skip("name", "not")) return comparison(stream);
  return { kind: "not", operand: stream.deeper(() => negation(stream)) };
}

function comparison(stream: TokenStream): Expression {
  const first = sum(stream);
  const rest: Compared[] = [];
  for (;;) {
    const operator = comparisonOperator(stream);
    if (operator === undefined) break;
    rest.push({ operator, with: sum(stream) });
  }
  return rest.length === 0 ? first : { kind: "comparison", first, rest };
}

function comparisonOperator(stream: TokenStream): ComparisonOperator | undefined {
  if (stream.skip("name", "in")) return "in";
  if (stream.isName("not") && stream.peek(1).type === "name" && stream.peek(1).text === "in") {
    stream.next();
    stream.next();
    return "not in";
  }
  const { type, text } = stream.current;
  if (type !== "operator" || !COMPARISONS.has(text)) return undefined;
  return stream.next().text as ComparisonOperator;
}

const COMPARISONS: ReadonlySet<string> = new Set(["==", "!=", "<", "<=", ">", ">="]);

function sum(stream: TokenStream): Expression {
  return leftToRight(stream, ["+", "-"], concatenation);
}

function concatenation(stream: TokenStream): Expression {
  const first = product(stream);
  const parts = [first];
  while (stream.skip("operator", "~")) parts.push(product(stream));
  return parts.length === 1 ? first : { kind: "concatenation", parts };
}

function product(stream: TokenStream): Expression {
  return leftToRight(stream, ["*", "/", "//", "%"], power);
}

function power(stream: TokenStream): Expression {
  return leftToRight(stream, ["**"], (inner) => filtered(inner, signed(inner), expression));
}

function leftToRight(
  stream: TokenStream,
  operators: readonly ArithmeticOperator[],
  operand: (stream: TokenStream) => Expression,
): Expression {
  let left = operand(stream);
  for (;;) {
    const operator = operators.find((one) => stream.skip("operator", one));
    if (operator === undefined) return left;
    left = { kind: "arithmetic", operator, left, right: operand(stream) };
  }
}

function signed(stream: TokenStream): Expression {
  const kind = SIGNS[stream.current.type === "operator" ? stream.current.text : ""];
  if (kind === undefined) return postfixed(stream, primary(stream, expression), expression);
  stream.next();
  const operand = stream.deeper(() => signed(stream));
  return postfixed(stream, { kind, operand }, expression);
}

const SIGNS: Readonly<Record<string, "minus" | "plus">> = { "-": "minus", "+": "plus" };

/** One expression, or a tuple without brackets. */
export function expressions(stream: TokenStream): Expression {
  const first = expression(stream);
  if (!stream.isOperator(",")) return first;
  const items = [first];
  while (stream.skip("operator", ",")) {
    if (stream.is("}}") || stream.is("%}") || stream.isOperator(")")) break;
    items.push(expression(stream));
  }
  return { kind: "tuple", items };
}
