/**
 * A context-free grammar while it is being built: rules are numbers, so that they may speak of each other before they
 * are written.
 */
import type { Budget } from "../budget.ts";
import { GrammarError } from "../grammar-error.ts";
import type { CharSet } from "../regular/char-set.ts";

export type Item =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "set"; readonly set: CharSet }
  | { readonly kind: "rule"; readonly rule: number };

/** Items one after the other. */
export type Sequence = readonly Item[];

export type Rule = { readonly name: string; readonly alternatives: readonly Sequence[] };

export type Grammar = { readonly rules: readonly Rule[]; readonly root: number };

export type GrammarBuilder = {
  readonly reserve: (name: string) => number;
  readonly define: (rule: number, alternatives: readonly Sequence[]) => void;
  /** Both at once. */
  readonly add: (name: string, alternatives: readonly Sequence[]) => Item;
  readonly finish: (root: number) => Grammar;
};

export function text(value: string): Item {
  return { kind: "text", text: value };
}

export function setItem(set: CharSet): Item {
  return { kind: "set", set };
}

export function ruleItem(rule: number): Item {
  return { kind: "rule", rule };
}

export function createGrammarBuilder(budget: Budget): GrammarBuilder {
  const rules: Rule[] = [];
  const reserve = (name: string): number => {
    if (rules.length >= budget.limits.rules) {
      throw new GrammarError("too_large", `the grammar has more than ${budget.limits.rules} rules`);
    }
    budget.spend(2);
    return rules.push({ name: `${name}-${rules.length}`, alternatives: [] }) - 1;
  };
  const define = (rule: number, alternatives: readonly Sequence[]): void => {
    const name = rules[rule]?.name ?? "";
    budget.spend(alternatives.length);
    rules[rule] = { name, alternatives };
  };
  const add = (name: string, alternatives: readonly Sequence[]): Item => {
    const rule = reserve(name);
    define(rule, alternatives);
    return ruleItem(rule);
  };
  return { reserve, define, add, finish: (root) => ({ rules, root }) };
}
