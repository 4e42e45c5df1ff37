/**
 * Reads the text of a Lark grammar: definitions of rules and terminals, what is imported, and what is ignored.
 *
 * Only what changes which texts match is kept: names of alternatives, priorities and marks for the shape of trees (`?`, `!`)
 * are read over. What this server does not do is refused by its name and line.
 */
import { type GrammarError, grammarErrorAt } from "../grammar-error.ts";
import { type Token, tokensOf } from "./tokens.ts";

export type Node = { readonly line: number } & (
  | { readonly kind: "string" | "regexp" | "name"; readonly text: string }
  | { readonly kind: "range"; readonly from: string; readonly to: string }
  | { readonly kind: "sequence" | "choice"; readonly parts: readonly Node[] }
  | { readonly kind: "repeat"; readonly body: Node; readonly min: number; readonly max: number }
);

export type Definition = { readonly name: string; readonly line: number; readonly body: Node };

type Import = { readonly line: number; readonly name: string; readonly as: string };

export type LarkDocument = {
  readonly definitions: readonly Definition[];
  readonly imports: readonly Import[];
  readonly ignored: readonly Node[];
};

const MAX_NESTING = 100;

type Reader = { readonly tokens: readonly Token[]; at: number; depth: number };

export function readLark(text: string): LarkDocument {
  const reader: Reader = { tokens: tokensOf(text), at: 0, depth: 0 };
  const definitions: Definition[] = [];
  const imports: Import[] = [];
  const ignored: Node[] = [];
  for (skipLines(reader); peek(reader).kind !== "end"; skipLines(reader)) {
    const { kind, text: directive } = peek(reader);
    if (kind !== "directive") definitions.push(definition(reader));
    else if (directive === "%import") imports.push(...importsAt(reader));
    else if (directive === "%ignore") ignored.push((next(reader), choice(reader)));
    else throw unsupported(peek(reader), directive);
    if (!["newline", "end"].includes(peek(reader).kind))
      throw invalid(reader, "the end of the line");
  }
  return { definitions, imports, ignored };
}

/** Terminals have upper-case names, rules lower-case ones. */
export function isTerminal(name: string): boolean {
  return /^_*[A-Z]/.test(name);
}

function definition(reader: Reader): Definition {
  while (taken(reader, "?") || taken(reader, "!"));
  const { text: name, line } = expect(reader, "name", "a rule, a terminal or a directive");
  if (peek(reader).text === "{") throw unsupported(peek(reader), "a template");
  if (peek(reader).text === "[") throw unsupported(peek(reader), "an attribute of a rule");
  if (taken(reader, ".")) expect(reader, "number", "a priority");
  if (!taken(reader, ":")) throw invalid(reader, `: after the name ${name}`);
  return { name, line, body: choice(reader) };
}

function importsAt(reader: Reader): readonly Import[] {
  const { line } = next(reader);
  const library = expect(reader, "name", "the name of a library");
  if (library.text !== "common") throw unsupported(library, `the library ${library.text}`);
  if (taken(reader, ".")) {
    const { text: name } = expect(reader, "name", "the name of a terminal");
    const as = taken(reader, "->") ? expect(reader, "name", "a name").text : name;
    return [{ line, name, as }];
  }
  const names: Import[] = [];
  if (!taken(reader, "(")) throw invalid(reader, "a . or a ( after common");
  do {
    const { text: name } = expect(reader, "name", "the name of a terminal");
    names.push({ line, name, as: name });
  } while (taken(reader, ","));
  if (!taken(reader, ")")) throw invalid(reader, "a closing )");
  return names;
}

function choice(reader: Reader): Node {
  const { line } = peek(reader);
  if (++reader.depth > MAX_NESTING) {
    throw grammarErrorAt(line, "nests groups too deep", "too_large");
  }
  const parts = [sequence(reader)];
  while (continues(reader)) parts.push(sequence(reader));
  reader.depth--;
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: "choice", parts, line };
}

/** Past a `|`, also one that begins a later line. Inside of a group lines do not matter. */
function continues(reader: Reader): boolean {
  const mark = reader.at;
  skipLines(reader);
  if (taken(reader, "|")) return true;
  if (reader.depth === 1) reader.at = mark;
  return false;
}

function sequence(reader: Reader): Node {
  const { line } = peek(reader);
  const parts: Node[] = [];
  for (;;) {
    if (reader.depth > 1) skipLines(reader);
    const part = atom(reader);
    if (part === undefined) break;
    parts.push(repeated(part, reader));
  }
  if (taken(reader, "->")) expect(reader, "name", "the name of an alternative");
  return parts.length === 1 && parts[0] !== undefined
    ? parts[0]
    : { kind: "sequence", parts, line };
}

function atom(reader: Reader): Node | undefined {
  const { kind, text, line } = peek(reader);
  if (text === "(" || text === "[") return group(reader);
  if (kind !== "string" && kind !== "regexp" && kind !== "name") return undefined;
  next(reader);
  if (kind === "name" && peek(reader).text === "{") throw unsupported(peek(reader), "a template");
  if (kind !== "string" || !taken(reader, "..")) return { kind, text, line };
  return {
    kind: "range",
    from: text,
    to: expect(reader, "string", "the end of a range").text,
    line,
  };
}

function group(reader: Reader): Node {
  const { text: opening, line } = next(reader);
  const body = choice(reader);
  const closing = opening === "(" ? ")" : "]";
  skipLines(reader);
  if (!taken(reader, closing)) throw invalid(reader, `a closing ${closing}`);
  return opening === "(" ? body : { kind: "repeat", body, min: 0, max: 1, line };
}

function repeated(body: Node, reader: Reader): Node {
  const { line } = body;
  for (let result = body; ;) {
    if (taken(reader, "?")) result = { kind: "repeat", body: result, min: 0, max: 1, line };
    else if (taken(reader, "*"))
      result = { kind: "repeat", body: result, min: 0, max: Infinity, line };
    else if (taken(reader, "+"))
      result = { kind: "repeat", body: result, min: 1, max: Infinity, line };
    else if (taken(reader, "~")) result = { kind: "repeat", body: result, ...counts(reader), line };
    else return result;
  }
}

function counts(reader: Reader): { readonly min: number; readonly max: number } {
  const min = Number(expect(reader, "number", "a count after ~").text);
  const max = taken(reader, "..") ? Number(expect(reader, "number", "a count after ..").text) : min;
  if (min < 0 || max < min) throw invalid(reader, `counts in their order, not ~${min}..${max}`);
  return { min, max };
}

function peek({ tokens, at }: Reader): Token {
  return tokens[at] ?? { kind: "end", text: "", line: 0 };
}

function next(reader: Reader): Token {
  const token = peek(reader);
  reader.at++;
  return token;
}

function taken(reader: Reader, mark: string): boolean {
  const { kind, text } = peek(reader);
  if (kind !== "mark" || text !== mark) return false;
  reader.at++;
  return true;
}

function expect(reader: Reader, kind: Token["kind"], what: string): Token {
  if (peek(reader).kind !== kind) throw invalid(reader, what);
  return next(reader);
}

function skipLines(reader: Reader): void {
  while (peek(reader).kind === "newline") reader.at++;
}

function invalid(reader: Reader, expected: string): GrammarError {
  const { kind, text, line } = peek(reader);
  const found = { newline: "the end of the line", end: "the end" }[kind as string] ?? text;
  return grammarErrorAt(line, `has ${found}, expected ${expected}`);
}

function unsupported({ line }: Token, what: string): GrammarError {
  return grammarErrorAt(line, `has ${what}, which is not here`, "unsupported");
}
