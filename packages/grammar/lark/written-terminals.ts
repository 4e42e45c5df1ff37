/** Terminals where rules use them: each written once, and followed by what is ignored. */
import type { Budget } from "../budget.ts";
import { createTexts } from "../emit/texts.ts";
import { grammarErrorAt } from "../grammar-error.ts";
import { buildDfa } from "../regular/build-dfa.ts";
import { isEmptyLanguage } from "../regular/dfa.ts";
import type { Expression, Expressions } from "../regular/expression.ts";
import { type GrammarBuilder, type Item, type Sequence, text } from "../rules/grammar.ts";
import { readString } from "./strings.ts";
import type { Node } from "./syntax.ts";
import type { Terminals } from "./terminals.ts";

type Means = {
  readonly grammar: GrammarBuilder;
  readonly budget: Budget;
  readonly of: Expressions;
  readonly terminals: Terminals;
  readonly ignored: readonly Node[];
  /** Whether the texts are written as in JSON's strings. */
  readonly inJson: boolean;
};

export type WrittenTerminals = {
  readonly terminal: (node: Node) => Sequence;
  /** As much of what is ignored as one likes. */
  readonly skipped: Sequence;
};

export function writtenTerminals(means: Means): WrittenTerminals {
  const { grammar, budget, of, terminals, ignored, inJson } = means;
  const texts = createTexts(grammar, budget);
  const written = new Map<Expression, Item>();

  const regular = (language: Expression, line: number): Item => {
    const found = written.get(language);
    if (found !== undefined) return found;
    const dfa = buildDfa(language, of, budget);
    if (isEmptyLanguage(dfa)) {
      throw grammarErrorAt(line, "has a terminal that no text matches");
    }
    const item = inJson ? texts.inside(dfa) : texts.plain(dfa);
    written.set(language, item);
    return item;
  };

  const [first] = ignored;
  const skipped: Sequence =
    first === undefined ? [] : [regular(of.star(of.or(...ignored.map(terminals))), first.line)];

  const literal = (value: string): Sequence => {
    budget.spend(value.length);
    if (value === "") return [];
    return [text(inJson ? JSON.stringify(value).slice(1, -1) : value), ...skipped];
  };

  const terminal = (node: Node): Sequence => {
    const string = node.kind === "string" ? readString(node.text, node.line) : undefined;
    if (string !== undefined && !string.ignoresCase) return literal(string.text);
    return [regular(terminals(node), node.line), ...skipped];
  };
  return { terminal, skipped };
}
