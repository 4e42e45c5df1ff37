/**
 * White space between the tokens of JSON, bounded so that a model cannot write blanks for ever.
 *
 * `flexible` allows what models write: nothing, one space, or a new line with its indentation, and a listed 2 as 2.0.
 * `compact` allows none and `spaced` demands one space after each colon and comma: with either, all punctuation is forced text.
 */
import { rangesOf } from "../regular/char-set.ts";
import type { Counted } from "./counted.ts";
import { type GrammarBuilder, type Sequence, setItem, text } from "../rules/grammar.ts";

export type Whitespace = "flexible" | "compact" | "spaced";

const MAX_INDENTATION = 48;

export type Layout = {
  /** After an opening bracket and before a closing one. */
  readonly inside: Sequence;
  readonly afterComma: Sequence;
  readonly afterColon: Sequence;
  /** How a number that a schema lists may be written. */
  readonly spellings: (value: number) => readonly string[];
};

function plainly(value: number): readonly string[] {
  return [JSON.stringify(value)];
}

function withFraction(value: number): readonly string[] {
  const written = JSON.stringify(value);
  return /^-?\d+$/.test(written) ? [written, `${written}.0`] : [written];
}

export function createLayout(
  whitespace: Whitespace,
  grammar: GrammarBuilder,
  counted: Counted,
): Layout {
  if (whitespace === "compact")
    return { inside: [], afterComma: [], afterColon: [], spellings: plainly };
  const space = text(" ");
  if (whitespace === "spaced")
    return { inside: [], afterComma: [space], afterColon: [space], spellings: plainly };
  const blank = setItem(rangesOf("  \t\t"));
  const line = [text("\n"), ...counted(blank, 0, MAX_INDENTATION)];
  const around = [grammar.add("space", [[], [space], line])];
  const afterColon = [grammar.add("space", [[], [space]])];
  return { inside: around, afterComma: around, afterColon, spellings: withFraction };
}
