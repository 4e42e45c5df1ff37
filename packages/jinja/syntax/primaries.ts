/** What an expression begins with: a literal, a name, or something in brackets. */
import type { TokenStream } from "./token-stream.ts";
import type { Expression } from "./tree.ts";

type Read = (stream: TokenStream) => Expression;

const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map([
  ["true", true],
  ["True", true],
  ["false", false],
  ["False", false],
  ["none", null],
  ["None", null],
]);

export function primary(stream: TokenStream, expression: Read): Expression {
  const { current: token } = stream;
  if (token.type === "name") return named(stream);
  if (token.type === "string") return adjacentStrings(stream);
  if (token.type === "number") {
    stream.next();
    return { kind: "literal", value: token.value };
  }
  if (stream.skip("operator", "(")) return parenthesised(stream, expression);
  if (stream.skip("operator", "[")) {
    return { kind: "list", items: listed(stream, "]", expression) };
  }
  if (stream.skip("operator", "{")) return dict(stream, expression);
  throw stream.unexpected("a value");
}

function named(stream: TokenStream): Expression {
  const { text } = stream.next();
  const constant = CONSTANTS.get(text);
  return constant === undefined
    ? { kind: "name", name: text }
    : { kind: "literal", value: constant };
}

function adjacentStrings(stream: TokenStream): Expression {
  let value = "";
  while (stream.is("string")) value += stream.next().text;
  return { kind: "literal", value };
}

function parenthesised(stream: TokenStream, expression: Read): Expression {
  if (stream.skip("operator", ")")) return { kind: "tuple", items: [] };
  const first = expression(stream);
  if (stream.skip("operator", ")")) return first;
  stream.expect("operator", ",");
  return { kind: "tuple", items: [first, ...listed(stream, ")", expression)] };
}

/** Up to the closing bracket, before which there may be a comma. */
function listed(stream: TokenStream, closing: string, expression: Read): Expression[] {
  const items: Expression[] = [];
  while (!stream.skip("operator", closing)) {
    items.push(expression(stream));
    if (!stream.isOperator(closing)) stream.expect("operator", ",");
  }
  return items;
}

function dict(stream: TokenStream, expression: Read): Expression {
  const entries: (readonly [Expression, Expression])[] = [];
  while (!stream.skip("operator", "}")) {
    const key = expression(stream);
    stream.expect("operator", ":");
    entries.push([key, expression(stream)]);
    if (!stream.isOperator("}")) stream.expect("operator", ",");
  }
  return { kind: "dict", entries };
}
