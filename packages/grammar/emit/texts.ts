/**
 * From automata to rules: one rule for each state, each ending in the next state.
 *
 * Such rules are deterministic, so that the engine follows one possibility. Inside a JSON string a character is
 * written as itself, and quotes, backslashes and control characters by their escapes.
 */
import type { Budget } from "../budget.ts";
import {
  ANY_CHAR,
  type CharSet,
  charSet,
  intersect,
  rangesOf,
  setOf,
  sizeOf,
  subtract,
  union,
} from "../regular/char-set.ts";
import type { Dfa } from "../regular/dfa.ts";
import {
  type GrammarBuilder,
  type Item,
  type Sequence,
  ruleItem,
  setItem,
  text,
} from "../rules/grammar.ts";

const CONTROLS = setOf([0, 0x1f]);
const ESCAPED: CharSet = union(CONTROLS, charSet(0x22), charSet(0x5c));
const SHORT_ESCAPES: readonly (readonly [number, string])[] = [
  [0x22, '"'],
  [0x5c, "\\"],
  [0x08, "b"],
  [0x0c, "f"],
  [0x0a, "n"],
  [0x0d, "r"],
  [0x09, "t"],
];
const HEX = rangesOf("09afAF");

export type Texts = {
  /** The texts of an automaton as they are, for numbers. */
  readonly plain: (dfa: Dfa) => Item;
  /** The same as a part of the inside of a JSON string. */
  readonly inside: (dfa: Dfa) => Item;
  /** The inside of a JSON string and its closing quote. */
  readonly quoted: (dfa: Dfa) => Item;
  /** One character of any JSON string. */
  readonly anyChar: Item;
  /** The rest of any JSON string, closing quote included. */
  readonly anyRest: Item;
};

export function createTexts(grammar: GrammarBuilder, budget: Budget): Texts {
  const hex = setItem(HEX);
  const anyEscape = grammar.add("escape", [
    [setItem(union(...Array.from('"\\/bfnrt').map((char) => charSet(char.charCodeAt(0)))))],
    [
      text("u"),
      grammar.add("unicode", [
        [setItem(rangesOf("09acefACEF")), hex, hex, hex],
        [setItem(rangesOf("ddDD")), setItem(rangesOf("07")), hex, hex],
        [
          setItem(rangesOf("ddDD")),
          setItem(rangesOf("89abAB")),
          hex,
          hex,
          text("\\u"),
          setItem(rangesOf("ddDD")),
          setItem(rangesOf("cfCF")),
          hex,
          hex,
        ],
      ]),
    ],
  ]);
  const neededEscape = grammar.add("escape", [
    [setItem(union(...SHORT_ESCAPES.map(([, char]) => charSet(char.charCodeAt(0)))))],
    [text("u00"), setItem(rangesOf("01")), hex],
  ]);
  const literal = setItem(subtract(ANY_CHAR, ESCAPED));
  const anyChar = grammar.add("char", [[literal], [text("\\"), anyEscape]]);
  const rest = grammar.reserve("string");
  grammar.define(rest, [
    [text('"')],
    [literal, ruleItem(rest)],
    [text("\\"), anyEscape, ruleItem(rest)],
  ]);

  const steps = (set: CharSet, next: Item): readonly Sequence[] => {
    const alternatives: Sequence[] = [];
    const asItself = intersect(subtract(set, ESCAPED), ANY_CHAR);
    if (asItself.length > 0) alternatives.push([setItem(asItself), next]);
    const escaped = intersect(set, ESCAPED);
    if (escaped.length === 0) return alternatives;
    if (sizeOf(set) === sizeOf(ANY_CHAR)) alternatives.push([text("\\"), anyEscape, next]);
    else if (sizeOf(escaped) === sizeOf(ESCAPED))
      alternatives.push([text("\\"), neededEscape, next]);
    else alternatives.push([text("\\"), grammar.add("escape", escapesOf(escaped)), next]);
    return alternatives;
  };

  const emit = (dfa: Dfa, name: string, end: Sequence, step: typeof steps): Item => {
    const rules = dfa.transitions.map(() => grammar.reserve(name));
    dfa.transitions.forEach((transitions, state) => {
      const byTarget = Map.groupBy(transitions, ({ target }) => target);
      budget.spend(transitions.length);
      const alternatives = [...byTarget].flatMap(([target, ranges]) => {
        const set = setOf(...ranges.map(({ from, to }) => [from, to] as const));
        return step(set, ruleItem(rules[target] ?? 0));
      });
      if (dfa.accepting[state] === true) alternatives.push(end);
      grammar.define(rules[state] ?? 0, alternatives);
    });
    return ruleItem(rules[dfa.start] ?? 0);
  };

  return {
    plain: (dfa) => emit(dfa, "number", [], (set, next) => [[setItem(set), next]]),
    inside: (dfa) => emit(dfa, "string", [], steps),
    quoted: (dfa) => emit(dfa, "text", [text('"')], steps),
    anyChar,
    anyRest: ruleItem(rest),
  };
}

/** The escapes of some of the characters that need one, after the backslash. */
function escapesOf(escaped: CharSet): readonly Sequence[] {
  const has = (char: number) => intersect(escaped, charSet(char)).length > 0;
  const short = SHORT_ESCAPES.filter(([char]) => has(char)).map(([, letter]) =>
    charSet(letter.charCodeAt(0)),
  );
  const long: Sequence[] = [];
  for (let char = 0; char < 0x20; char++) {
    if (has(char) && !SHORT_ESCAPES.some(([known]) => known === char)) {
      long.push([text(`u${char.toString(16).padStart(4, "0")}`)]);
    }
  }
  return short.length === 0 ? long : [[setItem(union(...short))], ...long];
}
