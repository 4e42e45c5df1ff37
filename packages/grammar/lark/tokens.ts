/**
 * Cuts the text of a Lark grammar into tokens.
 *
 * Comments and blanks are left out; line breaks are tokens, for they end definitions. Each token knows its line, which
 * every refusal names.
 */
import { type GrammarError, grammarErrorAt } from "../grammar-error.ts";

export type Token = {
  readonly kind: "name" | "string" | "regexp" | "number" | "mark" | "directive" | "newline" | "end";
  readonly text: string;
  readonly line: number;
};

/** The first that matches counts. A regular expression cannot begin with a slash: that is a comment. */
const KINDS: readonly (readonly [Token["kind"] | "nothing", RegExp])[] = [
  ["nothing", /[ \t\f\r]+|(?:\/\/|#)[^\n]*/y],
  ["newline", /\n/y],
  ["string", /"(?:[^"\\\n]|\\[^\n])*"(?:i(?![A-Za-z0-9_]))?/y],
  ["regexp", /\/(?!\/)(?:[^/\\]|\\[^])*\/[a-z]*/y],
  ["directive", /%[a-z]+/y],
  ["name", /_*[A-Za-z][A-Za-z0-9_]*/y],
  ["number", /-?[0-9]{1,9}/y],
  ["mark", /->|\.\.|[:|()[\]?*+~.,!{}]/y],
];

export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let line = 1;
  for (let at = 0; at < text.length;) {
    const [kind, found] = tokenAt(text, at) ?? [];
    if (kind === undefined || found === undefined) throw unreadable(text, at, line);
    if (kind !== "nothing") tokens.push({ kind, text: found, line });
    line += found.split("\n").length - 1;
    at += found.length;
  }
  return [...tokens, { kind: "end", text: "", line }];
}

function tokenAt(
  text: string,
  at: number,
): readonly [Token["kind"] | "nothing", string] | undefined {
  for (const [kind, pattern] of KINDS) {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) return [kind, found];
  }
  return undefined;
}

function unreadable(text: string, at: number, line: number): GrammarError {
  if (text[at] === "<") {
    const message = "names a token, which differ between models; name its characters";
    return grammarErrorAt(line, message, "unsupported");
  }
  const found = JSON.stringify(text.slice(at, at + 20).split("\n", 1)[0]);
  return grammarErrorAt(line, `has ${found}, which is nothing that Lark has here`);
}
