/**
 * Writes rules that repeat: again and again what is not empty, then nothing.
 *
 * What is repeated may itself be empty (`(a?)*`), and an engine that reads from the left would repeat that for ever. So of
 * every unit only its texts that are not empty are repeated, which are the same texts in the end.
 */
import type { Budget } from "../budget.ts";
import type { Grammar, Item, Rule, Sequence } from "../rules/grammar.ts";
import { rulesMadeOf } from "../rules/rules-made-of.ts";

/** What the rule of a loop repeats, in any order. */
export type Loops = ReadonlyMap<number, readonly Sequence[]>;

/** Of a grammar in which the rules of loops are still to be written. */
export function withLoops(
  { rules: given, root }: Grammar,
  loops: Loops,
  { spend }: Budget,
): Grammar {
  const rules: Rule[] = given.map((rule, index) =>
    loops.has(index) ? { ...rule, alternatives: [[]] } : rule,
  );
  const nullable = rulesMadeOf(rules, (item, found) => isEmpty(item, found));
  const filled = new Map<number, number>();

  /** The texts of a rule without the empty one. */
  const filledRule = (rule: number): Item => {
    const known = filled.get(rule);
    if (known !== undefined) return { kind: "rule", rule: known };
    const { name = "", alternatives = [] } = rules[rule] ?? {};
    const made = rules.push({ name: `${name}${FILLED}`, alternatives: [] }) - 1;
    filled.set(rule, made);
    const units = loops.get(rule);
    const own = units === undefined ? alternatives.flatMap(filledFrom) : again(rule, units);
    rules[made] = { name: `${name}${FILLED}`, alternatives: own };
    return { kind: "rule", rule: made };
  };

  /** One sequence for each item that may be the first which is not empty. */
  const filledFrom = (sequence: Sequence): readonly Sequence[] => {
    const ways: Sequence[] = [];
    for (const [index, item] of sequence.entries()) {
      spend(sequence.length - index);
      if (!isEmpty(item, nullable)) return [...ways, sequence.slice(index)];
      if (item.kind === "rule") ways.push([filledRule(item.rule), ...sequence.slice(index + 1)]);
    }
    return ways;
  };

  const again = (rule: number, units: readonly Sequence[]): readonly Sequence[] =>
    units.flatMap(filledFrom).map((unit) => [...unit, { kind: "rule", rule }]);

  for (const [rule, units] of loops) {
    rules[rule] = { name: rules[rule]?.name ?? "", alternatives: [...again(rule, units), []] };
  }
  return { rules, root };
}

const FILLED = "-filled";

/** The name that a rule had before its empty text was taken out. */
export function nameBefore(name: string): string {
  return name.replaceAll(FILLED, "");
}

function isEmpty(item: Item, nullable: ReadonlySet<number>): boolean {
  return item.kind === "rule" ? nullable.has(item.rule) : item.kind === "text" && item.text === "";
}
