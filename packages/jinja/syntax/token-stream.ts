/** Tokens, one after the other, with a look at the next. */
import { TemplateError } from "../template-error.ts";
import type { Token } from "./tokens.ts";

/** Recursion that is deeper comes from nobody's template. */
const DEPTH_MAX = 100;

export class TokenStream {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get current(): Token {
    return this.peek(0);
  }

  peek(ahead: number): Token {
    return (this.#tokens[this.#at + ahead] ?? this.#tokens.at(-1)) as Token;
  }

  next(): Token {
    const token = this.current;
    this.#at += 1;
    return token;
  }

  is(type: Token["type"], text?: string): boolean {
    const { current } = this;
    return current.type === type && (text === undefined || current.text === text);
  }

  isOperator(text: string): boolean {
    return this.is("operator", text);
  }

  isName(...names: readonly string[]): boolean {
    return this.current.type === "name" && names.includes(this.current.text);
  }

  /** Goes on, where this is what comes next. */
  skip(type: Token["type"], text: string): boolean {
    const found = this.is(type, text);
    if (found) this.#at += 1;
    return found;
  }

  expect(type: Token["type"], text?: string): Token {
    if (!this.is(type, text)) throw this.unexpected(text ?? type);
    return this.next();
  }

  unexpected(expected: string): TemplateError {
    const { line, text } = this.current;
    return new TemplateError(`line ${line}: expected ${expected}, found '${text.slice(0, 50)}'`);
  }

  deeper<Result>(read: () => Result): Result {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) throw new TemplateError(`it nests more than ${DEPTH_MAX} levels`);
    const result = read();
    this.#depth -= 1;
    return result;
  }
}
