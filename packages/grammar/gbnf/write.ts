/** Writes a grammar as GBNF, the text that llama.cpp reads. */
import type { Grammar, Item, Sequence } from "../rules/grammar.ts";
import { type CharSet, LAST_CODE_POINT } from "../regular/char-set.ts";

export function writeGbnf({ rules }: Grammar): string {
  const names = rules.map(({ name }) => name);
  return rules
    .map(
      ({ name, alternatives }) =>
        `${name} ::= ${alternatives.map((each) => sequence(each, names)).join(" | ")}\n`,
    )
    .join("");
}

function sequence(items: Sequence, names: readonly string[]): string {
  const parts: string[] = [];
  let literal = "";
  const flush = () => {
    if (literal !== "") parts.push(`"${literal}"`);
    literal = "";
  };
  for (const item of items) {
    if (item.kind === "text") {
      for (const char of item.text) literal += escaped(char.codePointAt(0) ?? 0);
      continue;
    }
    flush();
    parts.push(itemText(item, names));
  }
  flush();
  return parts.length === 0 ? '""' : parts.join(" ");
}

function itemText(item: Exclude<Item, { kind: "text" }>, names: readonly string[]): string {
  if (item.kind === "rule") return names[item.rule] ?? "";
  return setText(item.set);
}

/** Sets that reach to the last code point are shorter as what they exclude; surrogates never occur in UTF-8 anyway. */
function setText(set: CharSet): string {
  if (set.at(-1) !== LAST_CODE_POINT) return `[${rangesText(set)}]`;
  const excluded: number[] = [];
  let next = 0;
  for (let i = 0; i < set.length; i += 2) {
    const from = set[i] ?? 0;
    if (next < from && !(next >= 0xd800 && from <= 0xe000)) excluded.push(next, from - 1);
    next = (set[i + 1] ?? 0) + 1;
  }
  return excluded.length === 0 ? "." : `[^${rangesText(excluded)}]`;
}

function rangesText(ranges: CharSet): string {
  let text = "";
  for (let i = 0; i < ranges.length; i += 2) {
    const from = ranges[i] ?? 0;
    const to = ranges[i + 1] ?? 0;
    text += from === to ? escaped(from) : `${escaped(from)}-${escaped(to)}`;
  }
  return text;
}

const NAMED_ESCAPES: ReadonlyMap<number, string> = new Map([
  [0x0a, "\\n"],
  [0x0d, "\\r"],
  [0x09, "\\t"],
  [0x5c, "\\\\"],
  [0x22, '\\"'],
]);
/** In a set these close or negate it, or make ranges. */
const HEX_ESCAPED = "[]^-";

function escaped(char: number): string {
  const named = NAMED_ESCAPES.get(char);
  if (named !== undefined) return named;
  const text = String.fromCodePoint(char);
  if (char >= 0x20 && char < 0x7f && !HEX_ESCAPED.includes(text)) return text;
  const hex = char.toString(16);
  if (char < 0x100) return `\\x${hex.padStart(2, "0")}`;
  return char < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}
