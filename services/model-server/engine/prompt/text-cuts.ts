/**
 * How a tokenizer's text may be cut into slices without changing its tokens.
 *
 * Byte-level tokenizers split text into words before anything else, so any beginning of a word will do. Others merge
 * whatever their vocabulary has, but none of most vocabularies' tokens goes on after the end of a word: there, slices end
 * before a single space. Some of these put a space in front of every text by themselves, which then stands for that one.
 */
import { sliceEnd, wordEnd } from "./text-slices.ts";
import type { TextTokenizer } from "./text-tokens.ts";

/** The next slice of `text` from `start`, and where it ends. */
type Cut = (text: string, start: number) => { readonly slice: string; readonly end: number };

const cuts = new WeakMap<TextTokenizer, Cut>();

export function cutOf(tokenizer: TextTokenizer): Cut {
  const known = cuts.get(tokenizer);
  if (known !== undefined) return known;
  const cut = findCut(tokenizer);
  cuts.set(tokenizer, cut);
  return cut;
}

function findCut(tokenizer: TextTokenizer): Cut {
  if (tokenizer.cutsAtSpaces) return cutting(sliceEnd, "keep");
  if (tokenizer.joinsWords === false) {
    if (PROBES.every((probe) => agrees(tokenizer, probe, "keep"))) return cutting(wordEnd, "keep");
    if (PROBES.every((probe) => agrees(tokenizer, probe, "drop"))) return cutting(wordEnd, "drop");
  }
  return (text, start) => ({ slice: text.slice(start), end: text.length });
}

/** What becomes of the space that a slice begins with. */
type Space = "keep" | "drop";

function cutting(endOf: (text: string, start: number) => number, space: Space): Cut {
  return (text, start) => {
    const end = endOf(text, start);
    const from = start > 0 && space === "drop" ? start + 1 : start;
    return { slice: text.slice(from, end), end };
  };
}

const PROBES = [
  ["water", "river"],
  ["a", "b"],
  ["x1,", "(y2"],
  ["don't", "7"],
  ["東京", "é"],
] as const;

function agrees(
  tokenizer: TextTokenizer,
  [left, right]: readonly [string, string],
  space: Space,
): boolean {
  const tokens = (text: string) => tokenizer.tokenize(text, false);
  const apart = [...tokens(left), ...tokens(space === "keep" ? ` ${right}` : right)];
  return apart.join() === tokens(`${left} ${right}`).join();
}
