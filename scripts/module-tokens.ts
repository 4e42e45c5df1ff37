/**
 * Splits TypeScript source into words, strings and punctuation, without comments.
 *
 * TypeScript 7 has no parser to call, and a search for "from" would trip over comments and strings.
 * The one hard part of the lexical grammar is telling a regular expression from a division: a slash
 * after a value divides, anywhere else it opens an expression.
 */
export type Token = {
  /** A template literal never counts as a string: what it says is known only when it runs. */
  readonly kind: "word" | "string" | "template" | "pattern" | "punctuation";
  readonly text: string;
  readonly line: number;
};

const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const SPACE = /\s+/y;
const WORD = /[\p{ID_Start}$_#@][\p{ID_Continue}$]*|\d[\w.]*/uy;
const STRING = /"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'/y;
const PATTERN = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y;
const TEMPLATE_TEXT = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*/y;
const KEYWORDS_BEFORE_A_VALUE = new Set(
  "return typeof case in of do else void delete throw new await yield instanceof".split(" "),
);

export function tokensOf(source: string): readonly Token[] {
  const tokens: Token[] = [];
  const openBraces: ("block" | "template")[] = [];
  let position = 0;
  let line = 1;
  const take = (length: number): string => {
    const text = source.slice(position, position + length);
    line += text.split("\n").length - 1;
    position += length;
    return text;
  };
  const templateText = (): void => {
    take(matchLength(TEMPLATE_TEXT, source, position));
    if (take(1) === "$") {
      take(1);
      openBraces.push("template");
    }
  };
  while (position < source.length) {
    const skipped = matchLength(SPACE, source, position) || matchLength(COMMENT, source, position);
    if (skipped > 0) {
      take(skipped);
      continue;
    }
    const { kind, length } = nextToken(source, position, tokens.at(-1));
    const start = line;
    const text = take(length);
    if (text === "}" && openBraces.pop() === "template") {
      templateText();
      continue;
    }
    if (text === "{") openBraces.push("block");
    if (text === "`") templateText();
    tokens.push({ kind, text, line: start });
  }
  return tokens;
}

function nextToken(
  source: string,
  position: number,
  previous: Token | undefined,
): { kind: Token["kind"]; length: number } {
  const word = matchLength(WORD, source, position);
  if (word > 0) return { kind: "word", length: word };
  const string = matchLength(STRING, source, position);
  if (string > 0) return { kind: "string", length: string };
  if (source[position] === "`") return { kind: "template", length: 1 };
  const pattern = endsValue(previous) ? 0 : matchLength(PATTERN, source, position);
  if (pattern > 0) return { kind: "pattern", length: pattern };
  return { kind: "punctuation", length: 1 };
}

function endsValue(token: Token | undefined): boolean {
  if (token === undefined) return false;
  if (token.kind === "word") return !KEYWORDS_BEFORE_A_VALUE.has(token.text);
  return token.kind !== "punctuation" || [")", "]", "}"].includes(token.text);
}

function matchLength(pattern: RegExp, source: string, position: number): number {
  pattern.lastIndex = position;
  return pattern.exec(source)?.[0].length ?? 0;
}
