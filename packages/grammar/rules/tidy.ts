/**
 * Trims a grammar: alternatives that can never end are dropped, rules that are used once and have one form are written in
 * place, and those that nothing reaches are left out.
 *
 * Dropping matters for more than size: an alternative that never ends is a trap in which a model writes until its limit.
 */
import type { Grammar, Item, Rule, Sequence } from "./grammar.ts";
import { rulesMadeOf } from "./rules-made-of.ts";

/** Undefined where nothing at all can be written. */
export function tidy({ rules, root }: Grammar): Grammar | undefined {
  const productive = productiveRules(rules);
  if (!productive.has(root)) return undefined;
  const ends = (item: Item) => item.kind !== "rule" || productive.has(item.rule);
  const kept = rules.map(({ name, alternatives }) => ({
    name,
    alternatives: distinct(alternatives.filter((sequence) => sequence.every(ends))),
  }));
  return reachable({ rules: inline(kept, root), root });
}

function productiveRules(rules: readonly Rule[]): ReadonlySet<number> {
  return rulesMadeOf(
    rules,
    (item, productive) => item.kind !== "rule" || productive.has(item.rule),
  );
}

function distinct(alternatives: readonly Sequence[]): readonly Sequence[] {
  if (alternatives.length < 2) return alternatives;
  return [
    ...new Map(alternatives.map((sequence) => [JSON.stringify(sequence), sequence])).values(),
  ];
}

function inline(rules: readonly Rule[], root: number): readonly Rule[] {
  const uses = new Int32Array(rules.length);
  for (const item of rules.flatMap(({ alternatives }) => alternatives.flat())) {
    if (item.kind === "rule") uses[item.rule] = (uses[item.rule] ?? 0) + 1;
  }
  const isPlain = (rule: number) =>
    rule !== root &&
    rules[rule]?.alternatives.length === 1 &&
    (uses[rule] === 1 || (rules[rule].alternatives[0]?.length ?? 0) <= 1);
  const expanded = new Map<number, Sequence>();
  const open = new Set<number>();
  const expand = (sequence: Sequence): Sequence =>
    sequence.flatMap((item): Sequence => {
      if (item.kind !== "rule" || !isPlain(item.rule) || open.has(item.rule) || open.size > 500)
        return [item];
      const known = expanded.get(item.rule);
      if (known !== undefined) return known;
      open.add(item.rule);
      const body = expand(rules[item.rule]?.alternatives[0] ?? []);
      open.delete(item.rule);
      if (open.size === 0) expanded.set(item.rule, body);
      return body;
    });
  // A rule that is written in place everywhere is dropped with the unreachable ones.
  return rules.map((rule, i) =>
    isPlain(i) ? rule : { name: rule.name, alternatives: rule.alternatives.map(expand) },
  );
}

function reachable({ rules, root }: Grammar): Grammar {
  const numbers = new Map<number, number>([[root, 0]]);
  const order = [root];
  for (const old of order) {
    for (const item of rules[old]?.alternatives.flat() ?? []) {
      if (item.kind !== "rule" || numbers.has(item.rule)) continue;
      numbers.set(item.rule, order.length);
      order.push(item.rule);
    }
  }
  const renumber = (item: Item): Item =>
    item.kind === "rule" ? { kind: "rule", rule: numbers.get(item.rule) ?? 0 } : item;
  return {
    root: 0,
    rules: order.map((old, i) => ({
      name: i === 0 ? "root" : (rules[old]?.name ?? ""),
      alternatives: rules[old]?.alternatives.map((sequence) => sequence.map(renumber)) ?? [],
    })),
  };
}
