/** What follows a value: `.name`, `[key]`, `(arguments)`, `| filter` and `is test`. */
import { primary } from "./primaries.ts";
import type { TokenStream } from "./token-stream.ts";
import type { CallArguments, Expression, SliceExpressions } from "./tree.ts";

type Read = (stream: TokenStream) => Expression;

export function postfixed(stream: TokenStream, value: Expression, expression: Read): Expression {
  let of = value;
  for (;;) {
    if (stream.skip("operator", ".")) of = dotted(stream, of);
    else if (stream.skip("operator", "[")) of = subscripted(stream, of, expression);
    else if (stream.isOperator("(")) {
      of = { kind: "call", callee: of, given: callArguments(stream, expression) };
    } else return of;
  }
}

function dotted(stream: TokenStream, of: Expression): Expression {
  const token = stream.next();
  if (token.type === "name") return { kind: "attribute", of, name: token.text };
  if (token.type !== "number") throw stream.unexpected("a name after '.'");
  return { kind: "subscript", of, key: { kind: "literal", value: token.value } };
}

function subscripted(stream: TokenStream, of: Expression, expression: Read): Expression {
  const start = stream.isOperator(":") ? undefined : expression(stream);
  if (stream.isOperator(":")) {
    return { kind: "slice", of, bounds: sliceBounds(stream, start, expression) };
  }
  if (start === undefined) throw stream.unexpected("a key");
  const items = [start];
  while (stream.skip("operator", ",")) items.push(expression(stream));
  stream.expect("operator", "]");
  return { kind: "subscript", of, key: items.length === 1 ? start : { kind: "tuple", items } };
}

function sliceBounds(
  stream: TokenStream,
  start: Expression | undefined,
  expression: Read,
): SliceExpressions {
  const ends = () => stream.isOperator(":") || stream.isOperator("]");
  stream.expect("operator", ":");
  const stop = ends() ? undefined : expression(stream);
  const step = stream.skip("operator", ":") && !ends() ? expression(stream) : undefined;
  stream.expect("operator", "]");
  return { start, stop, step };
}

/** Filters, tests and calls, in whatever order. */
export function filtered(stream: TokenStream, value: Expression, expression: Read): Expression {
  let of = value;
  for (;;) {
    if (stream.isOperator("|")) of = filters(stream, of, expression);
    else if (stream.skip("name", "is")) of = tested(stream, of, expression);
    else if (stream.isOperator("(")) {
      of = { kind: "call", callee: of, given: callArguments(stream, expression) };
    } else return of;
  }
}

function filters(stream: TokenStream, value: Expression, expression: Read): Expression {
  let of = value;
  while (stream.skip("operator", "|")) of = oneFilter(stream, of, expression);
  return of;
}

/** The filters of a block, the first of which has no bar before it. */
export function blockFilters(stream: TokenStream, expression: Read): Expression {
  return filters(stream, oneFilter(stream, undefined, expression), expression);
}

function oneFilter(stream: TokenStream, of: Expression | undefined, expression: Read): Expression {
  const name = dottedName(stream);
  const given = stream.isOperator("(") ? callArguments(stream, expression) : NO_ARGUMENTS;
  return { kind: "filter", of, name, given };
}

function tested(stream: TokenStream, of: Expression, expression: Read): Expression {
  const negated = stream.skip("name", "not");
  const name = dottedName(stream);
  const test: Expression = { kind: "test", of, name, given: testArguments(stream, expression) };
  return negated ? { kind: "not", operand: test } : test;
}

function testArguments(stream: TokenStream, expression: Read): CallArguments {
  if (stream.isOperator("(")) return callArguments(stream, expression);
  const { type, text } = stream.current;
  const begins =
    (type === "name" && !["else", "or", "and"].includes(text)) ||
    type === "string" ||
    type === "number" ||
    (type === "operator" && ["[", "{"].includes(text));
  if (!begins) return NO_ARGUMENTS;
  if (stream.isName("is")) throw stream.unexpected("no second test");
  const argument = postfixed(stream, primary(stream, expression), expression);
  return { positional: [argument], named: [] };
}

function dottedName(stream: TokenStream): string {
  let name = stream.expect("name").text;
  while (stream.skip("operator", ".")) name += `.${stream.expect("name").text}`;
  return name;
}

const NO_ARGUMENTS: CallArguments = { positional: [], named: [] };

type Given = {
  positional: Expression[];
  named: (readonly [string, Expression])[];
  spread?: Expression;
  spreadNamed?: Expression;
};

function callArguments(stream: TokenStream, expression: Read): CallArguments {
  const given: Given = { positional: [], named: [] };
  stream.expect("operator", "(");
  while (!stream.skip("operator", ")")) {
    readArgument(stream, given, expression);
    if (!stream.isOperator(")")) stream.expect("operator", ",");
  }
  return given;
}

function readArgument(stream: TokenStream, given: Given, expression: Read): void {
  const onlyNamed = given.spreadNamed !== undefined;
  if (stream.isOperator("**") && !onlyNamed) {
    stream.next();
    given.spreadNamed = expression(stream);
  } else if (stream.isOperator("*") && !onlyNamed && given.spread === undefined) {
    stream.next();
    given.spread = expression(stream);
  } else if (
    stream.is("name") &&
    stream.peek(1).type === "operator" &&
    stream.peek(1).text === "="
  ) {
    const { text } = stream.next();
    stream.next();
    given.named.push([text, expression(stream)]);
  } else {
    const late = onlyNamed || given.spread !== undefined || given.named.length > 0;
    if (late) throw stream.unexpected("a keyword argument");
    given.positional.push(expression(stream));
  }
}
