/**
 * Repetition that llama.cpp's engine runs fast.
 *
 * Its own `{m,n}` copies the repeated item n times, and refuses more than 2,000. Here a large count is cut into blocks of
 * 32, 1,024, … so that rules grow with the logarithm. Every form recurses at its end only, and at most one
 * more possibility than levels of blocks is open at any time.
 */
import { type GrammarBuilder, type Item, type Sequence, ruleItem } from "../rules/grammar.ts";

const BLOCK = 32;

export type Counted = (unit: Item, min: number, max: number) => Sequence;

export function createCounted(grammar: GrammarBuilder): Counted {
  const known = new Map<string, Item>();
  const once = (key: string, unit: Item, make: (rule: number) => readonly Sequence[]): Item => {
    const full = `${key} ${unit.kind === "rule" ? unit.rule : JSON.stringify(unit)}`;
    const found = known.get(full);
    if (found !== undefined) return found;
    const rule = grammar.reserve("repeat");
    known.set(full, ruleItem(rule));
    grammar.define(rule, make(rule));
    return ruleItem(rule);
  };

  const exactly = (unit: Item, count: number): Sequence => {
    if (count <= 3) return Array.from({ length: count }, () => unit);
    const half = Math.floor(count / 2);
    const block = once(`=${half}`, unit, () => [exactly(unit, half)]);
    return count % 2 === 0 ? [block, block] : [block, block, unit];
  };

  const upTo = (unit: Item, count: number): Sequence => {
    if (count === 0) return [];
    const block = blockFor(count);
    return [
      once(`<${count}`, unit, () =>
        block === 1
          ? [[unit, ...upTo(unit, count - 1)], []]
          : [[...exactly(unit, block), ...upTo(unit, count - block)], upTo(unit, block - 1)],
      ),
    ];
  };

  const star = (unit: Item): Sequence => [once("*", unit, (rule) => [[unit, ruleItem(rule)], []])];

  return (unit, min, max) => [
    ...exactly(unit, min),
    ...(max === Infinity ? star(unit) : upTo(unit, max - min)),
  ];
}

function blockFor(count: number): number {
  let block = 1;
  while (block * BLOCK < count) block *= BLOCK;
  return block;
}
