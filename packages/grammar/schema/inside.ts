/** What an alternative says of one item or one member: all that its subschemas say together. */
import { buildDfa } from "../regular/build-dfa.ts";
import { type Dfa, accepts } from "../regular/dfa.ts";
import type { Expression } from "../regular/expression.ts";
import { type Block, type Conjunction, type Facts, positive } from "./facts.ts";
import { namesLanguage } from "./string-languages.ts";
import type { Schemas } from "./unfold.ts";

export function itemAt({ tuples }: Facts, index: number): Conjunction {
  return tuples.flatMap(({ prefix, rest }) => prefix[index] ?? rest);
}

export function memberAt({ blocks, names }: Facts, name: string, schemas: Schemas): Conjunction {
  const allowed = names.every((terms) => matches(namesLanguage(terms, schemas), name, schemas));
  if (!allowed) return [positive(schemas.document.never)];
  return blocks.flatMap((block) => memberOfBlock(block, name, schemas));
}

function memberOfBlock(block: Block, name: string, schemas: Schemas): Conjunction {
  const own = block.properties.get(name);
  const matching = block.patterns.filter(([pattern]) => matches(pattern, name, schemas));
  if (own === undefined && matching.length === 0) return block.additional;
  return [...(own ?? []), ...matching.flatMap(([, terms]) => terms)];
}

const automata = new WeakMap<Expression, Dfa>();

export function dfaOf(language: Expression, { of, budget }: Schemas): Dfa {
  const known = automata.get(language);
  if (known !== undefined) return known;
  const dfa = buildDfa(language, of, budget);
  automata.set(language, dfa);
  return dfa;
}

/** By derivatives: one text needs no automaton. */
export function matches(language: Expression, text: string, { of, budget }: Schemas): boolean {
  const known = automata.get(language);
  if (known !== undefined) return accepts(known, text);
  let state = language;
  for (const char of text) {
    budget.spend(1);
    state = of.derive(state, char.codePointAt(0) ?? 0);
  }
  return state.nullable;
}
