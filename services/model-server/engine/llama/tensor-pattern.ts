/**
 * What JavaScript and C++ read alike in a regular expression. Pure.
 *
 * llama.cpp has C++ read it, and ends the process over what that does not know: names of groups, looking behind, braces that
 * count nothing. So only what both have is let through.
 */
const ESCAPED = String.raw`\\[^A-Za-z0-9]`;
/** In a class of characters. */
const MEMBER = String.raw`(?:[^\\[\]-]|${ESCAPED})`;
const REPEAT = String.raw`[*+?]\??`;
const PIECES = new RegExp(
  [
    String.raw`[^\\[\](){}?*+]`,
    ESCAPED,
    String.raw`\\[dDwWsSbB]`,
    String.raw`\[\^?-?(?:${MEMBER}(?:-${MEMBER})?|\\[dDwWsS])+-?\]`,
    String.raw`\((?:\?[:=!]|(?!\?))`,
    String.raw`\)`,
    REPEAT,
    // Behind a group C++ may run out of states.
    String.raw`(?<!(?<!\\)\))\{\d{1,2}(?:,\d{0,2})?\}\??`,
  ].join("|"),
  "gy",
);

/** Undefined for what both read alike, else what is wrong with it: a clause for a person. */
export function patternProblem(pattern: string): string | undefined {
  try {
    // No flags: with `u` more would be refused than by C++.
    RegExp(pattern);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `is no regular expression: ${reason}`;
  }
  const pieces = pattern.match(PIECES) ?? [];
  const read = pieces.join("");
  const isAscii = /^[ -~]*$/.test(pattern);
  if (isAscii && read === pattern && !repeatsLookahead(pieces)) return undefined;
  const rest = pattern.slice(read.length, read.length + 16);
  return (
    `has something at "${rest}" that C++ may not read as others do: it takes characters, classes, groups, alternatives, ` +
    "repetition and looking ahead"
  );
}

/** JavaScript allows it, and means nothing by it. */
function repeatsLookahead(pieces: readonly string[]): boolean {
  const open: boolean[] = [];
  let endsLookahead = false;
  for (const piece of pieces) {
    if (endsLookahead && /^[*+?{]/.test(piece)) return true;
    if (piece.startsWith("(")) open.push(/[=!]$/.test(piece));
    endsLookahead = piece === ")" && open.pop() === true;
  }
  return false;
}
