/** Statements: what is between `{%` and `%}`, up to its end tag. */
import { TemplateError } from "../template-error.ts";
import { disjunction, expression, expressions } from "./expressions.ts";
import { blockFilters } from "./postfixes.ts";
import { assignTarget, loopTarget } from "./targets.ts";
import { TokenStream } from "./token-stream.ts";
import { tokensOf } from "./tokens.ts";
import type { Body, Expression, Parameter, Statement, Target } from "./tree.ts";

/** Throws a TemplateError for what is no template. */
export function parse(source: string): Body {
  const stream = new TokenStream(tokensOf(source));
  const body = bodyUntil(stream, []);
  if (!stream.is("end")) throw stream.unexpected("the end");
  return body;
}

/** Up to a tag with one of these names, which is the next token then. */
function bodyUntil(stream: TokenStream, ends: readonly string[]): Body {
  const body: Statement[] = [];
  for (;;) {
    if (stream.is("text")) body.push({ kind: "text", text: stream.next().text });
    else if (stream.is("{{")) body.push(output(stream));
    else if (stream.is("end")) {
      if (ends.length > 0) throw stream.unexpected(ends.join(" or "));
      return body;
    } else {
      stream.expect("{%");
      if (stream.isName(...ends)) return body;
      body.push(...stream.deeper(() => statement(stream)));
    }
  }
}

function output(stream: TokenStream): Statement {
  stream.next();
  const value = expressions(stream);
  stream.expect("}}");
  return { kind: "output", value };
}

/** What is inside of a tag pair, with the end tag read. */
function inside(stream: TokenStream, end: string): Body {
  stream.expect("%}");
  const body = bodyUntil(stream, [end]);
  stream.next();
  return body;
}

function statement(stream: TokenStream): Statement[] {
  const name = stream.expect("name").text;
  const read = STATEMENTS.get(name);
  if (read === undefined) {
    throw new TemplateError(`line ${stream.current.line}: unknown tag '${name}'`);
  }
  const found = read(stream);
  stream.expect("%}");
  return Array.isArray(found) ? found : [found];
}

function ifStatement(stream: TokenStream): Statement {
  const branches: (readonly [Expression, Body])[] = [];
  let otherwise: Body = [];
  for (;;) {
    const test = withoutCondition(stream);
    stream.expect("%}");
    branches.push([test, bodyUntil(stream, ["elif", "else", "endif"])]);
    const end = stream.next().text;
    if (end === "elif") continue;
    if (end === "else") otherwise = inside(stream, "endif");
    return { kind: "if", branches, otherwise };
  }
}

/** An `if` tag may hold a tuple, but no condition: `a if b` would read as one. */
function withoutCondition(stream: TokenStream): Expression {
  const first = disjunction(stream);
  if (!stream.isOperator(",")) return first;
  const items = [first];
  while (stream.skip("operator", ",")) items.push(disjunction(stream));
  return { kind: "tuple", items };
}

function forStatement(stream: TokenStream): Statement {
  const target = loopTarget(stream);
  stream.expect("name", "in");
  const of = withoutCondition(stream);
  const filter = stream.skip("name", "if") ? expression(stream) : undefined;
  const isRecursive = stream.skip("name", "recursive");
  stream.expect("%}");
  const body = bodyUntil(stream, ["else", "endfor"]);
  const otherwise = stream.next().text === "else" ? inside(stream, "endfor") : [];
  return { kind: "for", target, of, filter, isRecursive, body, otherwise };
}

function setStatement(stream: TokenStream): Statement {
  const target = assignTarget(stream);
  if (stream.skip("operator", "=")) return { kind: "set", target, value: expressions(stream) };
  const filter = stream.skip("operator", "|") ? blockFilters(stream, expression) : undefined;
  return { kind: "setBlock", target, filter, body: inside(stream, "endset") };
}

function macroStatement(stream: TokenStream): Statement {
  const { text: name } = stream.expect("name");
  const parameters = parametersOf(stream);
  const body = inside(stream, "endmacro");
  return { kind: "macro", name, parameters, body };
}

function parametersOf(stream: TokenStream): Parameter[] {
  const parameters: Parameter[] = [];
  stream.expect("operator", "(");
  while (!stream.skip("operator", ")")) {
    if (parameters.length > 0) stream.expect("operator", ",");
    const { text: name } = stream.expect("name");
    const preset = stream.skip("operator", "=") ? expression(stream) : undefined;
    if (preset === undefined && parameters.some((one) => one.default !== undefined)) {
      throw stream.unexpected("a default, as the parameter before has");
    }
    parameters.push({ name, default: preset });
  }
  return parameters;
}

function callStatement(stream: TokenStream): Statement {
  const parameters = stream.isOperator("(") ? parametersOf(stream) : [];
  const call = expression(stream);
  if (call.kind !== "call") throw stream.unexpected("a call");
  return { kind: "call", call, parameters, body: inside(stream, "endcall") };
}

function withStatement(stream: TokenStream): Statement {
  const values: (readonly [Target, Expression])[] = [];
  while (!stream.is("%}")) {
    if (values.length > 0) stream.expect("operator", ",");
    const target = assignTarget(stream);
    stream.expect("operator", "=");
    values.push([target, expression(stream)]);
  }
  return { kind: "with", values, body: inside(stream, "endwith") };
}

function blockStatement(stream: TokenStream): Statement {
  const { text: name } = stream.expect("name");
  while (stream.isName("scoped", "required")) stream.next();
  const body = inside(stream, "endblock");
  stream.skip("name", name);
  return { kind: "scope", body };
}

function printStatement(stream: TokenStream): Statement[] {
  const values: Statement[] = [];
  while (!stream.is("%}")) {
    if (values.length > 0) stream.expect("operator", ",");
    values.push({ kind: "output", value: expression(stream) });
  }
  return values;
}

const STATEMENTS = new Map<string, (stream: TokenStream) => Statement | Statement[]>([
  ["if", ifStatement],
  ["for", forStatement],
  ["set", setStatement],
  ["macro", macroStatement],
  ["call", callStatement],
  ["with", withStatement],
  ["block", blockStatement],
  ["print", printStatement],
  [
    "filter",
    (stream) => ({
      kind: "filterBlock",
      filter: blockFilters(stream, expression),
      body: inside(stream, "endfilter"),
    }),
  ],
  ["generation", (stream) => ({ kind: "scope", body: inside(stream, "endgeneration") })],
  ["break", () => ({ kind: "break" })],
  ["continue", () => ({ kind: "continue" })],
]);
