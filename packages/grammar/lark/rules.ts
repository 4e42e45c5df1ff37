/**
 * Rules of a Lark grammar as rules of ours.
 *
 * A rule that begins with itself is written as a loop, for an engine that reads from the left has no end with it:
 * `sum: sum "+" n | n` is `n ("+" n)*`.
 */
import { createCounted } from "../emit/counted.ts";
import { type GrammarBuilder, type Item, type Sequence, ruleItem } from "../rules/grammar.ts";
import type { Budget } from "../budget.ts";
import type { Loops } from "./loops.ts";
import { type Definition, isTerminal, type Node } from "./syntax.ts";
import type { WrittenTerminals } from "./written-terminals.ts";

type Means = {
  readonly grammar: GrammarBuilder;
  readonly budget: Budget;
  /** Of the rules that are defined. */
  readonly numbers: ReadonlyMap<string, number>;
  readonly terminal: WrittenTerminals["terminal"];
};

type Rules = {
  readonly define: (definition: Definition) => void;
  readonly loops: Loops;
};

export function createRules({ grammar, budget, numbers, terminal }: Means): Rules {
  const counted = createCounted(grammar);
  const loops = new Map<number, readonly Sequence[]>();

  const loop = (units: readonly Sequence[]): Item => {
    const rule = grammar.reserve("loop");
    loops.set(rule, units);
    return ruleItem(rule);
  };

  const repeated = ({ body, min, max }: Node & { readonly kind: "repeat" }): Sequence => {
    const parts = sequenceOf(body);
    const unit = parts.length === 1 && parts[0] ? parts[0] : grammar.add("group", [parts]);
    if (max !== Infinity) return counted(unit, min, max);
    return [...counted(unit, min, min), loop([[unit]])];
  };

  const sequenceOf = (node: Node): Sequence => {
    budget.spend(1);
    switch (node.kind) {
      case "name":
        return isTerminal(node.text) ? terminal(node) : [ruleItem(numbers.get(node.text) ?? 0)];
      case "sequence":
        return node.parts.flatMap(sequenceOf);
      case "choice":
        return [grammar.add("group", node.parts.map(sequenceOf))];
      case "repeat":
        return repeated(node);
      default:
        return terminal(node);
    }
  };

  const define = ({ name, body }: Definition): void => {
    const rule = numbers.get(name) ?? 0;
    const all = body.kind === "choice" ? body.parts.map(sequenceOf) : [sequenceOf(body)];
    const recursive = all.filter((sequence) => beginsWith(sequence, rule));
    const others = all.filter((sequence) => !beginsWith(sequence, rule));
    if (recursive.length === 0) return grammar.define(rule, others);
    const further = loop(recursive.map((sequence) => sequence.slice(1)));
    const begun = others.map((sequence) => [...sequence, further]);
    return grammar.define(rule, begun);
  };
  return { define, loops };
}

function beginsWith([first]: Sequence, rule: number): boolean {
  return first?.kind === "rule" && first.rule === rule;
}
