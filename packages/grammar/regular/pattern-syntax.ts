/**
 * Reads a regular expression as ECMA-262 writes it, which is what JSON Schema's `pattern` means.
 *
 * Lenient where engines are: any punctuation may be escaped. What no automaton can do (back references) or what this
 * package does not do (lookbehind, inline flags) is a typed error.
 */
import { GrammarError } from "../grammar-error.ts";
import { type CharSet, charSet, complement, setOf, union } from "./char-set.ts";
import { withOtherCase } from "./letter-case.ts";
import { CLASS_ESCAPES, CONTROL_ESCAPES, DOT, propertySet } from "./pattern-classes.ts";

export type Pattern =
  | { readonly kind: "set"; readonly set: CharSet }
  | { readonly kind: "sequence"; readonly items: readonly Pattern[] }
  | { readonly kind: "choice"; readonly options: readonly Pattern[] }
  | { readonly kind: "repeat"; readonly body: Pattern; readonly min: number; readonly max: number }
  | { readonly kind: "start" | "end" }
  | { readonly kind: "lookahead"; readonly body: Pattern; readonly negative: boolean };

const MAX_PATTERN_LENGTH = 20_000;
const MAX_GROUP_DEPTH = 100;

/** What flags change. */
type PatternFlags = {
  /** A letter stands for its other case too. */
  readonly ignoresCase?: boolean;
  /** What `.` stands for; default: ECMA-262's, every character but line breaks. */
  readonly dot?: CharSet;
};

type Cursor = {
  readonly chars: readonly string[];
  readonly dot: CharSet;
  readonly cased: (set: CharSet) => CharSet;
  at: number;
  depth: number;
};

export function parsePattern(source: string, flags: PatternFlags = {}): Pattern {
  if (source.length > MAX_PATTERN_LENGTH) {
    throw new GrammarError(
      "too_large",
      `a pattern is longer than ${MAX_PATTERN_LENGTH} characters`,
    );
  }
  const cursor: Cursor = {
    chars: Array.from(source),
    dot: flags.dot ?? DOT,
    cased: flags.ignoresCase === true ? withOtherCase : (set) => set,
    at: 0,
    depth: 0,
  };
  const pattern = choice(cursor);
  if (cursor.at < cursor.chars.length) throw invalid(cursor, "an unmatched )");
  return pattern;
}

function choice(cursor: Cursor): Pattern {
  const options = [sequence(cursor)];
  while (cursor.chars[cursor.at] === "|") {
    cursor.at++;
    options.push(sequence(cursor));
  }
  return options.length === 1 && options[0] !== undefined
    ? options[0]
    : { kind: "choice", options };
}

function sequence(cursor: Cursor): Pattern {
  const items: Pattern[] = [];
  for (;;) {
    const char = cursor.chars[cursor.at];
    if (char === undefined || char === "|" || char === ")") break;
    items.push(quantified(atom(cursor), cursor));
  }
  return { kind: "sequence", items };
}

function quantified(body: Pattern, cursor: Cursor): Pattern {
  const bounds = quantifier(cursor);
  if (bounds === undefined) return body;
  if (body.kind === "start" || body.kind === "end") throw invalid(cursor, "a repeated anchor");
  // Whether it takes much or little first does not change what is accepted.
  if (cursor.chars[cursor.at] === "?") cursor.at++;
  else if (cursor.chars[cursor.at] === "+") throw unsupported(cursor, "a possessive quantifier");
  return { kind: "repeat", body, ...bounds };
}

function quantifier(cursor: Cursor): { min: number; max: number } | undefined {
  const char = cursor.chars[cursor.at];
  if (char === "*") return (cursor.at++, { min: 0, max: Infinity });
  if (char === "+") return (cursor.at++, { min: 1, max: Infinity });
  if (char === "?") return (cursor.at++, { min: 0, max: 1 });
  if (char !== "{") return undefined;
  const text = cursor.chars.slice(cursor.at, cursor.at + 24).join("");
  const match = /^\{(\d+)(,(\d*))?\}/.exec(text);
  if (match === null) return undefined;
  cursor.at += match[0].length;
  const min = Number(match[1]);
  const max = match[2] === undefined ? min : match[3] === "" ? Infinity : Number(match[3]);
  if (min > max) throw invalid(cursor, "a quantifier out of order");
  return { min, max };
}

function atom(cursor: Cursor): Pattern {
  const char = cursor.chars[cursor.at++] ?? "";
  switch (char) {
    case "^":
      return { kind: "start" };
    case "$":
      return { kind: "end" };
    case ".":
      return { kind: "set", set: cursor.dot };
    case "(":
      return group(cursor);
    case "[":
      return { kind: "set", set: bracket(cursor) };
    case "\\":
      return casedChar(escape(cursor), cursor);
    case "*":
    case "+":
    case "?":
      throw invalid(cursor, "nothing to repeat");
    default:
      return { kind: "set", set: cursor.cased(charSet(char.codePointAt(0) ?? 0)) };
  }
}

function group(cursor: Cursor): Pattern {
  if (++cursor.depth > MAX_GROUP_DEPTH)
    throw new GrammarError("too_large", "a pattern nests too deep");
  const inside = (length: number, wrap: (body: Pattern) => Pattern): Pattern => {
    cursor.at += length;
    const body = choice(cursor);
    if (cursor.chars[cursor.at] !== ")") throw invalid(cursor, "an unclosed (");
    cursor.at++;
    cursor.depth--;
    return wrap(body);
  };
  const opening = cursor.chars.slice(cursor.at, cursor.at + 64).join("");
  if (!opening.startsWith("?")) return inside(0, (body) => body);
  if (opening.startsWith("?:")) return inside(2, (body) => body);
  if (opening.startsWith("?=")) {
    return inside(2, (body) => ({ kind: "lookahead", body, negative: false }));
  }
  if (opening.startsWith("?!")) {
    return inside(2, (body) => ({ kind: "lookahead", body, negative: true }));
  }
  const name = /^\?P?<([A-Za-z_$][\w$]*)>/.exec(opening);
  if (name !== null) return inside(name[0].length, (body) => body);
  throw unsupported(cursor, `(${opening.slice(0, 3)}`);
}

function bracket(cursor: Cursor): CharSet {
  const negated = cursor.chars[cursor.at] === "^";
  if (negated) cursor.at++;
  const members: CharSet[] = [];
  while (cursor.chars[cursor.at] !== "]") {
    if (cursor.at >= cursor.chars.length) throw invalid(cursor, "an unclosed [");
    members.push(classRange(cursor));
  }
  cursor.at++;
  const set = cursor.cased(union(...members));
  return negated ? complement(set) : set;
}

/** `a-z`, or one member; a hyphen beside a class such as `\\w` stands for itself. */
function classRange(cursor: Cursor): CharSet {
  const from = classMember(cursor);
  const next = cursor.chars[cursor.at + 1];
  if (cursor.chars[cursor.at] !== "-" || next === undefined || next === "]") return from;
  const mark = cursor.at++;
  const to = classMember(cursor);
  if (!isSingle(from) || !isSingle(to)) {
    cursor.at = mark;
    return from;
  }
  const [low = 0] = from;
  const [high = 0] = to;
  if (low > high) throw invalid(cursor, "a character range out of order");
  return setOf([low, high]);
}

function classMember(cursor: Cursor): CharSet {
  const char = cursor.chars[cursor.at++] ?? "";
  if (char !== "\\") return charSet(char.codePointAt(0) ?? 0);
  if (cursor.chars[cursor.at] === "b") return (cursor.at++, charSet(8));
  const escaped = escape(cursor);
  if (escaped.kind !== "set") throw invalid(cursor, "an escape that is no character");
  return escaped.set;
}

/** Classes such as `\\w` have both cases already, or mean one. */
function casedChar(pattern: Pattern, { cased }: Cursor): Pattern {
  if (pattern.kind !== "set" || !isSingle(pattern.set)) return pattern;
  return { kind: "set", set: cased(pattern.set) };
}

function isSingle(set: CharSet): boolean {
  return set.length === 2 && set[0] === set[1];
}

function escape(cursor: Cursor): Pattern {
  const char = cursor.chars[cursor.at++];
  if (char === undefined) throw invalid(cursor, "a \\ at the end");
  if (char === "A") return { kind: "start" };
  if (char === "Z" || char === "z") return { kind: "end" };
  const known = CLASS_ESCAPES[char] ?? CONTROL_ESCAPES[char];
  if (known !== undefined)
    return { kind: "set", set: typeof known === "number" ? charSet(known) : known };
  const read = ESCAPE_READERS[char];
  if (read !== undefined) return { kind: "set", set: read(cursor) };
  if (/[1-9k]/.test(char)) throw unsupported(cursor, "a back reference");
  if (/[A-Za-z]/.test(char)) throw unsupported(cursor, `\\${char}`);
  return { kind: "set", set: charSet(char.codePointAt(0) ?? 0) };
}

const ESCAPE_READERS: Readonly<Record<string, (cursor: Cursor) => CharSet>> = {
  p: (cursor) => property(cursor),
  P: (cursor) => complement(property(cursor)),
  x: (cursor) => charSet(hex(cursor, 2)),
  u: (cursor) => charSet(unicodeEscape(cursor)),
  c: (cursor) => {
    const letter = cursor.chars[cursor.at++] ?? "";
    if (!/[A-Za-z]/.test(letter)) throw invalid(cursor, "\\c without a letter");
    return charSet(letter.charCodeAt(0) % 32);
  },
};

function unicodeEscape(cursor: Cursor): number {
  if (cursor.chars[cursor.at] === "{") {
    const close = cursor.chars.indexOf("}", cursor.at);
    const digits = close < 0 ? "" : cursor.chars.slice(cursor.at + 1, close).join("");
    if (!/^[0-9a-fA-F]{1,6}$/.test(digits)) throw invalid(cursor, "a \\u{…} that is no code point");
    cursor.at = close + 1;
    return parseInt(digits, 16);
  }
  const high = hex(cursor, 4);
  if (high < 0xd800 || high > 0xdbff) return high;
  if (cursor.chars[cursor.at] !== "\\" || cursor.chars[cursor.at + 1] !== "u") return high;
  const mark = cursor.at;
  cursor.at += 2;
  const low = hex(cursor, 4);
  if (low >= 0xdc00 && low <= 0xdfff) return 0x10000 + (high - 0xd800) * 0x400 + (low - 0xdc00);
  cursor.at = mark;
  return high;
}

function hex(cursor: Cursor, count: number): number {
  const digits = cursor.chars.slice(cursor.at, cursor.at + count).join("");
  if (digits.length !== count || !/^[0-9a-fA-F]+$/.test(digits)) {
    throw invalid(cursor, `an escape that needs ${count} hexadecimal digits`);
  }
  cursor.at += count;
  return parseInt(digits, 16);
}

function property(cursor: Cursor): CharSet {
  const match = /^\{([\w=]+)\}/.exec(cursor.chars.slice(cursor.at, cursor.at + 64).join(""));
  const set = match?.[1] === undefined ? undefined : propertySet(match[1]);
  if (match === null || set === undefined) throw unsupported(cursor, "this \\p");
  cursor.at += match[0].length;
  return cursor.cased(set);
}

function invalid({ chars }: Cursor, what: string): GrammarError {
  return new GrammarError("invalid", `the pattern ${JSON.stringify(chars.join(""))} has ${what}`);
}

function unsupported({ chars }: Cursor, what: string): GrammarError {
  return new GrammarError(
    "unsupported",
    `the pattern ${JSON.stringify(chars.join(""))} uses ${what}, which cannot be guaranteed`,
  );
}
