/** Grammars put together from others: one after the other, one of several, one again and again. */
import type { Grammar, Item, Rule, Sequence } from "./rules/grammar.ts";

export function textGrammar(text: string): Grammar {
  return { rules: [{ name: "root", alternatives: [[{ kind: "text", text }]] }], root: 0 };
}

export function sequenceGrammar(parts: readonly Grammar[]): Grammar {
  return combined(parts, (roots) => [roots]);
}

export function eitherGrammar(parts: readonly Grammar[]): Grammar {
  return combined(parts, (roots) => roots.map((root) => [root]));
}

type Repetition = {
  readonly between: Grammar;
  readonly least: number;
  /** Default: as often as one likes. */
  readonly most?: number | undefined;
};

/** @throws RangeError unless `least` is at most `most`, which is above 0 */
export function repeatGrammar(part: Grammar, { between, least, most }: Repetition): Grammar {
  if (least < 0 || (most !== undefined && (most < 1 || most < least))) {
    throw new RangeError(`A grammar cannot be repeated from ${least} to ${most} times`);
  }
  return combined([part, between], ([one, comma], add) => {
    if (one === undefined || comma === undefined) return [];
    const further: Sequence = [comma, one];
    const rest =
      most === undefined ? endless(further, add) : upTo(most - Math.max(1, least), further, add);
    const required = Array.from({ length: Math.max(0, least - 1) }, () => further).flat();
    const some: Sequence = [one, ...required, ...rest];
    return least === 0 ? [some, []] : [some];
  });
}

type Add = (alternatives: (self: Item) => readonly Sequence[]) => Item;

function endless(unit: Sequence, add: Add): Sequence {
  return [add((self) => [[...unit, self], []])];
}

function upTo(times: number, unit: Sequence, add: Add): Sequence {
  let rest: Sequence = [];
  for (let count = 0; count < times; count += 1) {
    const longer: Sequence = [...unit, ...rest];
    rest = [add(() => [longer, []])];
  }
  return rest;
}

/** One row of rules: a new root, then those of each part with other numbers. */
function combined(
  parts: readonly Grammar[],
  rootOf: (roots: readonly Item[], add: Add) => readonly Sequence[],
): Grammar {
  const rules: Rule[] = [{ name: "root", alternatives: [] }];
  const roots = parts.map(({ rules: own, root }): Item => {
    const offset = rules.length;
    for (const { name, alternatives } of own) {
      const moved = alternatives.map((sequence) => sequence.map((item) => moveItem(item, offset)));
      rules.push({ name, alternatives: moved });
    }
    return { kind: "rule", rule: root + offset };
  });
  const add: Add = (alternatives) => {
    const self: Item = { kind: "rule", rule: rules.length };
    rules.push({ name: "part", alternatives: [] });
    rules[self.rule] = { name: "part", alternatives: alternatives(self) };
    return self;
  };
  const alternatives = rootOf(roots, add);
  rules[0] = { name: "root", alternatives };
  return { rules, root: 0 };
}

function moveItem(item: Item, offset: number): Item {
  return item.kind === "rule" ? { kind: "rule", rule: item.rule + offset } : item;
}
