/**
 * A template's source as tokens: text, tags and what is between the brackets of tags.
 *
 * White space around tags goes here, as `trim_blocks` and `lstrip_blocks` have it: a block's line break, and what is
 * before a block on its line; everything where a tag has a minus, nothing where it has a plus.
 */
import { TemplateError } from "../template-error.ts";
import { SPACE } from "../values/code-points.ts";
import { stringLiteral } from "./string-literal.ts";

export type Token =
  | {
      readonly type: "text" | "name" | "string" | "operator";
      readonly text: string;
      readonly line: number;
    }
  | {
      readonly type: "number";
      readonly value: bigint | number;
      readonly text: string;
      readonly line: number;
    }
  | {
      readonly type: "{{" | "}}" | "{%" | "%}" | "end";
      readonly text: string;
      readonly line: number;
    };

const OPENING = new RegExp(
  `\\{%(?<rawSign>[-+]?)[${SPACE}]*raw[${SPACE}]*(?<rawEnd>-%\\}[${SPACE}]*|%\\}\\n?|\\+%\\})|\\{(?<kind>[%{#])(?<sign>[-+]?)`,
  "gu",
);
const RAW_END = new RegExp(
  `\\{%(?<sign>[-+]?)[${SPACE}]*endraw[${SPACE}]*(?:\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?)`,
  "gu",
);
const COMMENT_END = new RegExp(`(?:\\+#\\}|-#\\}[${SPACE}]*|#\\}\\n?)`, "gu");
const BLOCK_END = new RegExp(`\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?`, "uy");
const OUTPUT_END = new RegExp(`-\\}\\}[${SPACE}]*|\\}\\}`, "uy");
const BLANK = new RegExp(`[${SPACE}]+`, "uy");
const NUMBER_FLOAT =
  /(?<!\.)(?:\d+_)*\d+(?:\.(?:\d+_)*\d+(?:e[+-]?(?:\d+_)*\d+)?|e[+-]?(?:\d+_)*\d+)/iuy;
const NUMBER_INTEGER = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iuy;
const NAME = /[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*/uy;
const STRING = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/suy;
const OPERATOR = /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}<>=.:|,;]/uy;

export function tokensOf(template: string): Token[] {
  return new Tokens(template.replaceAll(/\r\n?/g, "\n").replace(/\n$/, "")).all();
}

class Tokens {
  readonly #source: string;
  readonly #found: Token[] = [];
  #at = 0;
  /** Whether what comes next begins a line. */
  #atLineStart = true;
  #counted = { at: 0, line: 1 };

  constructor(source: string) {
    this.#source = source;
  }

  all(): Token[] {
    for (;;) {
      OPENING.lastIndex = this.#at;
      const opening = OPENING.exec(this.#source);
      if (opening === null) break;
      this.#opened(opening.index, opening[0], opening.groups ?? {});
    }
    this.#text(this.#source.slice(this.#at));
    this.#found.push({ type: "end", text: "the end", line: this.#line() });
    return this.#found;
  }

  #opened(index: number, tag: string, groups: Readonly<Record<string, string | undefined>>): void {
    const { kind, sign = groups["rawSign"] ?? "" } = groups;
    this.#text(this.#before(this.#source.slice(this.#at, index), sign, kind === "{"));
    this.#moveTo(index + tag.length);
    if (kind === "#") this.#through(COMMENT_END, "a comment");
    else if (kind === undefined) this.#raw();
    else this.#tag(kind === "{" ? "{{" : "{%");
  }

  /** What remains of the text before a tag. */
  #before(text: string, sign: string, isOutput: boolean): string {
    if (sign === "-") return text.replace(TRAILING_SPACE, "");
    if (sign === "+" || isOutput) return text;
    const lineStart = text.lastIndexOf("\n") + 1;
    if (lineStart === 0 && !this.#atLineStart) return text;
    return ONLY_SPACE.test(text.slice(lineStart)) ? text.slice(0, lineStart) : text;
  }

  #raw(): void {
    const start = this.#at;
    const { index, groups } = this.#through(RAW_END, "{% raw %}");
    const text = this.#source.slice(start, index);
    this.#text(this.#before(text, groups?.["sign"] ?? "", false));
  }

  #through(end: RegExp, what: string): RegExpExecArray {
    end.lastIndex = this.#at;
    const found = end.exec(this.#source);
    if (found === null) throw this.#error(`${what} has no end`);
    this.#moveTo(end.lastIndex);
    return found;
  }

  #tag(type: "{{" | "{%"): void {
    this.#push({ type, text: type });
    const end = type === "{{" ? OUTPUT_END : BLOCK_END;
    const brackets: string[] = [];
    for (;;) {
      if (brackets.length === 0 && this.#matched(end) !== undefined) break;
      if (this.#matched(BLANK) === undefined) this.#expressionToken(brackets);
    }
    const closing = type === "{{" ? "}}" : "%}";
    this.#push({ type: closing, text: closing });
  }

  #expressionToken(brackets: string[]): void {
    const number = this.#number();
    if (number !== undefined) return this.#push({ type: "number", ...number });
    const name = this.#matched(NAME);
    if (name !== undefined) return this.#push({ type: "name", text: name });
    const string = this.#matched(STRING);
    if (string !== undefined) return this.#push({ type: "string", text: stringLiteral(string) });
    const operator = this.#matched(OPERATOR);
    if (operator === undefined)
      throw this.#error(`unexpected '${this.#source.slice(this.#at, this.#at + 1)}'`);
    this.#balance(operator, brackets);
    this.#push({ type: "operator", text: operator });
  }

  #number(): { readonly value: bigint | number; readonly text: string } | undefined {
    const float = this.#matched(NUMBER_FLOAT);
    if (float !== undefined) return { value: Number(float.replaceAll("_", "")), text: float };
    const integer = this.#matched(NUMBER_INTEGER);
    if (integer === undefined) return undefined;
    return { value: BigInt(integer.replaceAll("_", "").toLowerCase()), text: integer };
  }

  #balance(operator: string, brackets: string[]): void {
    const closing = CLOSING[operator];
    if (closing !== undefined) brackets.push(closing);
    if (!["}", ")", "]"].includes(operator)) return;
    const expected = brackets.pop();
    if (expected !== operator) throw this.#error(`unexpected '${operator}'`);
  }

  #matched(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [text] = pattern.exec(this.#source) ?? [];
    if (text === undefined || text === "") return undefined;
    this.#moveTo(this.#at + text.length);
    return text;
  }

  #moveTo(at: number): void {
    this.#atLineStart = this.#source[at - 1] === "\n";
    this.#at = at;
  }

  #text(text: string): void {
    if (text !== "") this.#push({ type: "text", text });
  }

  #push(token: Omit<Token, "line">): void {
    this.#found.push({ ...token, line: this.#line() } as Token);
  }

  #line(): number {
    const { at, line } = this.#counted;
    const more = this.#source.slice(at, this.#at).split("\n").length - 1;
    this.#counted = { at: this.#at, line: line + more };
    return line + more;
  }

  #error(message: string): TemplateError {
    return new TemplateError(`line ${this.#line()}: ${message}`);
  }
}

const TRAILING_SPACE = new RegExp(`[${SPACE}]+$`, "u");
const ONLY_SPACE = new RegExp(`^[${SPACE}]+$`, "u");
const CLOSING: Readonly<Record<string, string>> = { "{": "}", "(": ")", "[": "]" };
