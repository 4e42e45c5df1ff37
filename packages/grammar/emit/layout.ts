/**
 * White space between the tokens of JSON, bounded so that a model cannot write blanks for ever.
 *
 * `flexible` allows what models write: nothing, one space, or a new line with its indentation. `compact` allows none and
 * `spaced` demands one space after each colon and comma: with either, all punctuation is forced text.
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
};

export function createLayout(
  whitespace: Whitespace,
  grammar: GrammarBuilder,
  counted: Counted,
): Layout {
  if (whitespace === "compact") return { inside: [], afterComma: [], afterColon: [] };
  const space = text(" ");
  if (whitespace === "spaced") return { inside: [], afterComma: [space], afterColon: [space] };
  const blank = setItem(rangesOf("  \t\t"));
  const line = [text("\n"), ...counted(blank, 0, MAX_INDENTATION)];
  const around = [grammar.add("space", [[], [space], line])];
  return { inside: around, afterComma: around, afterColon: [grammar.add("space", [[], [space]])] };
}
