/** What is between the quotes and slashes of a Lark grammar: texts with their escapes, and regular expressions with flags. */
import { GrammarError, grammarErrorAt } from "../grammar-error.ts";
import { ANY_CHAR, complement, setOf } from "../regular/char-set.ts";
import { type Pattern, parsePattern } from "../regular/pattern-syntax.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  f: "\f",
  v: "\v",
  b: "\b",
  a: "\x07",
  "0": "\0",
  "\\": "\\",
  '"': '"',
  "'": "'",
  "/": "/",
};

const DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** Of `"a\n"` and `"a"i`. */
export function readString(token: string, line: number): { text: string; ignoresCase: boolean } {
  const ignoresCase = token.endsWith("i");
  const inside = token.slice(1, ignoresCase ? -2 : -1);
  const text = inside.replaceAll(
    /\\(?:([xuU])([0-9a-fA-F]*)|([^]))/g,
    (whole: string, kind: string | undefined, hex: string, char: string) =>
      kind === undefined ? escaped(char, line) : hexEscaped(whole, kind, hex, line),
  );
  return { text, ignoresCase };
}

function escaped(char: string, line: number): string {
  const meant = ESCAPES[char];
  if (meant !== undefined) return meant;
  throw grammarErrorAt(line, `has \\${char} in a string`);
}

function hexEscaped(whole: string, kind: string, hex: string, line: number): string {
  const count = DIGITS[kind] ?? 0;
  const digits = hex.slice(0, count);
  const point = parseInt(digits, 16);
  const isSurrogate = point >= 0xd800 && point <= 0xdfff;
  if (digits.length < count || point > 0x10ffff || isSurrogate) {
    throw grammarErrorAt(line, `has ${whole} in a string`);
  }
  return String.fromCodePoint(point) + hex.slice(count);
}

/** As Python and Rust read it, who end a line at `\n` alone. */
const DOT = complement(setOf([0x0a, 0x0a]));

/** Of `/a+/` and `/a+/is`. `m` speaks of `^` and `$`, which no terminal may have; `u` is how it is anyway. */
export function readRegexp(token: string): Pattern {
  const end = token.lastIndexOf("/");
  const flags = token.slice(end + 1);
  const unknown = /[^imsux]/.exec(flags)?.[0];
  if (unknown !== undefined) {
    const message = `a regular expression has the flag ${unknown}; i, m, s, u and x are here`;
    throw new GrammarError("unsupported", message);
  }
  const source = token.slice(1, end);
  return parsePattern(flags.includes("x") ? withoutBlanks(source) : source, {
    ignoresCase: flags.includes("i"),
    dot: flags.includes("s") ? ANY_CHAR : DOT,
  });
}

/** `x`: blanks and comments outside of classes are for the eye. */
function withoutBlanks(source: string): string {
  return source.replaceAll(
    /(\\[^]|\[\^?\]?(?:\\[^]|[^\]\\])*\])|\s+|#[^\n]*/g,
    (_, kept: string | undefined) => kept ?? "",
  );
}

/** Of what knows no lines. */
export function atLine<Result>(line: number, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof GrammarError)) throw error;
    const why = error.message.slice(error.message.indexOf(": ") + 2);
    throw new GrammarError(error.reason, `line ${line} of the grammar: ${why}`);
  }
}
