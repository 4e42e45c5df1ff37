/**
 * Rules of arrays: a chain for the items that have a place of their own, then counted repetition.
 *
 * `contains` and `uniqueItems` need to remember what was written; they are compiled where that is little.
 */
import { type Contains, type Facts, type Term } from "../schema/facts.ts";
import { itemAt } from "../schema/inside.ts";
import { unsupported } from "../schema/keywords.ts";
import { listedValues } from "../schema/listed-values.ts";
import { type Item, type Sequence, ruleItem, text } from "../rules/grammar.ts";
import type { Emitter } from "./values.ts";

/** Sets of values that were written. */
const MAX_UNIQUE_STATES = 256;
const MAX_UNIQUE_VALUES = 30;
const MAX_PLACES = 200;
const MAX_CHAIN_STATES = 2000;

export function emitArray(facts: Facts, emitter: Emitter): readonly Sequence[] {
  const contains = facts.contains.filter(({ min, max }) => min > 0 || max < Infinity);
  if (facts.unique !== undefined && lengthOf(facts, emitter) > 1)
    return uniqueArray(facts, emitter);
  if (contains.length > 1) {
    throw unsupported(
      contains[1]?.at ?? contains[0]!.at,
      "contains",
      "several at once cannot be guaranteed",
    );
  }
  if (contains[0] !== undefined) return containingArray(facts, contains[0], emitter);
  return plainArray(facts, emitter);
}

/** The most items that are possible: an item that nothing satisfies ends the array. */
function lengthOf(facts: Facts, { schemas }: Emitter): number {
  const places = Math.max(0, ...facts.tuples.map(({ prefix }) => prefix.length));
  for (let i = 0; i <= places; i++) {
    if (i >= facts.maxItems) return facts.maxItems;
    if (schemas.isImpossible(itemAt(facts, i))) return i;
  }
  return facts.maxItems;
}

function plainArray(facts: Facts, emitter: Emitter): readonly Sequence[] {
  const { grammar, counted, layout } = emitter;
  const { inside, afterComma } = layout;
  const max = lengthOf(facts, emitter);
  if (facts.minItems > max) return [];
  const open: Sequence = [text("["), ...inside];
  if (max === 0) return [[...open, text("]")]];
  const close: Sequence = [...inside, text("]")];
  const places = Math.min(Math.max(1, ...facts.tuples.map(({ prefix }) => prefix.length)), max);
  const next = (index: number): Sequence => {
    if (index === places) {
      if (max === places) return close;
      const item = emitter.value(itemAt(facts, index));
      const unit = grammar.add("item", [[text(","), ...afterComma, item]]);
      return [...counted(unit, Math.max(0, facts.minItems - places), max - places), ...close];
    }
    const more: Sequence = [
      text(","),
      ...afterComma,
      emitter.value(itemAt(facts, index)),
      ...next(index + 1),
    ];
    return index >= facts.minItems ? [grammar.add("items", [more, close])] : more;
  };
  const first: Sequence = [emitter.value(itemAt(facts, 0)), ...next(1)];
  const whole: Sequence[] = facts.minItems === 0 ? [first, [text("]")]] : [first];
  return [[...open, grammar.add("array", whole)]];
}

/** States: the index, as far as it matters, and how many matching items there were. */
function containingArray(facts: Facts, contains: Contains, emitter: Emitter): readonly Sequence[] {
  const { grammar, layout, schemas } = emitter;
  const { inside, afterComma } = layout;
  const places = Math.max(0, ...facts.tuples.map(({ prefix }) => prefix.length));
  const max = facts.maxItems;
  const lastIndex = max === Infinity ? Math.max(places, facts.minItems) : max;
  const counts = contains.max === Infinity ? contains.min : contains.max;
  if ((lastIndex + 1) * (counts + 1) > MAX_CHAIN_STATES || places > MAX_PLACES) {
    throw unsupported(contains.at, "contains", "with so many items cannot be guaranteed");
  }
  // With an upper count, items that do not count must not match; without, whether they do is left open.
  const other: readonly Term[] =
    contains.max === Infinity
      ? []
      : contains.item.map(({ subschema, negated }) => ({ subschema, negated: !negated }));
  const known = new Map<string, Item>();
  const after = (index: number, count: number): Item => {
    const key = `${index},${count}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const rule = grammar.reserve("items");
    known.set(key, ruleItem(rule));
    const alternatives = items(index, count).map((item): Sequence => [
      text(","),
      ...afterComma,
      ...item,
    ]);
    if (index >= facts.minItems && count >= contains.min) alternatives.push([...inside, text("]")]);
    grammar.define(rule, alternatives);
    return ruleItem(rule);
  };
  const items = (index: number, count: number): readonly Sequence[] => {
    if (index >= max) return [];
    const terms = itemAt(facts, index);
    const nextIndex = Math.min(index + 1, lastIndex);
    const alternatives: Sequence[] = [];
    if (count < counts && !schemas.isImpossible([...terms, ...contains.item])) {
      alternatives.push([emitter.value([...terms, ...contains.item]), after(nextIndex, count + 1)]);
    }
    const rest = [...terms, ...other];
    if (!schemas.isImpossible(rest))
      alternatives.push([emitter.value(rest), after(nextIndex, count)]);
    return alternatives;
  };
  const whole = [...items(0, 0)];
  if (facts.minItems === 0 && contains.min === 0) whole.push([text("]")]);
  return [[text("["), ...inside, grammar.add("array", whole)]];
}

/** Few possible items: the state is the set of those that were not written yet. */
function uniqueArray(facts: Facts, emitter: Emitter): readonly Sequence[] {
  const { grammar, layout } = emitter;
  const { inside, afterComma } = layout;
  const at = facts.unique ?? emitter.schemas.document.root;
  const tupled = facts.tuples.some(({ prefix }) => prefix.length > 0);
  const values =
    tupled || facts.contains.length > 0
      ? undefined
      : listedValues(itemAt(facts, 0), emitter.schemas);
  if (values === undefined || setsOf(values.length, facts.maxItems) > MAX_UNIQUE_STATES) {
    const message = "is guaranteed for items from an enum of few values only, such as 8";
    throw unsupported(at, "uniqueItems", message);
  }
  const literals = values.map((value) => grammar.add("value", [emitter.literal(value)]));
  const known = new Map<number, Item>();
  const state = (used: number): Item => {
    const found = known.get(used);
    if (found !== undefined) return found;
    const rule = grammar.reserve("items");
    known.set(used, ruleItem(rule));
    const alternatives = items(used).map((item): Sequence => [text(","), ...afterComma, ...item]);
    if (bits(used) >= facts.minItems) alternatives.push([...inside, text("]")]);
    grammar.define(rule, alternatives);
    return ruleItem(rule);
  };
  const items = (used: number): readonly Sequence[] =>
    bits(used) >= facts.maxItems
      ? []
      : literals.flatMap((literal, i) =>
          (used & (1 << i)) === 0 ? [[literal, state(used | (1 << i))]] : [],
        );
  const whole = [...items(0)];
  if (facts.minItems === 0) whole.push([text("]")]);
  return [[text("["), ...inside, grammar.add("array", whole)]];
}

/** How many sets of at most so many of some values there are. */
function setsOf(values: number, most: number): number {
  if (values > MAX_UNIQUE_VALUES) return Infinity;
  let sets = 1;
  for (let size = 1, ofSize = 1; size <= Math.min(values, most); size++) {
    ofSize = (ofSize * (values - size + 1)) / size;
    sets += ofSize;
  }
  return sets;
}

function bits(set: number): number {
  return set.toString(2).replaceAll("0", "").length;
}
