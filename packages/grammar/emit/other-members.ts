/**
 * The members that no subschema names: classes of keys by the patterns that they match, each with its value.
 *
 * Patterns of several subschemas cut the keys into classes; the keys of a class have all the same demands on the value.
 */
import { GrammarError } from "../grammar-error.ts";
import { trieOf } from "../regular/dfa.ts";
import type { Expression } from "../regular/expression.ts";
import { type Block, type Conjunction, type Facts, keyOf } from "../schema/facts.ts";
import { memberAt } from "../schema/inside.ts";
import { isNothing } from "../schema/lengths.ts";
import { listedValues } from "../schema/listed-values.ts";
import { namesLanguage } from "../schema/string-languages.ts";
import type { Schemas } from "../schema/unfold.ts";
import type { Item, Sequence } from "../rules/grammar.ts";
import type { Emitter } from "./values.ts";

const MAX_CLASSES = 64;
const MAX_LISTED_NAMES = 32;

export type OtherMember = {
  /** The rest of the key after its opening quote. */
  readonly key: Sequence;
  readonly value: Item;
};

export function otherMembers(
  facts: Facts,
  declared: ReadonlySet<string>,
  emitter: Emitter,
): readonly OtherMember[] {
  const { schemas } = emitter;
  const { of } = schemas;
  const classes = new Map<string, { terms: Conjunction; languages: Expression[] }>();
  const taken = declared.size === 0 ? of.anything : of.not(of.automaton(trieOf([...declared])));
  const all = of.and(taken, ...facts.names.map((terms) => namesLanguage(terms, schemas)));
  for (const { language, matched } of classesOf(facts.blocks, all, schemas)) {
    const terms = facts.blocks.flatMap((block) => valueIn(block, matched));
    if (terms.length === 0 && matched.size === 0 && closesTo(declared, facts, emitter)) continue;
    if (schemas.isImpossible(terms) || isNothing(language, schemas)) continue;
    const key = keyOf(terms);
    const same = classes.get(key) ?? { terms, languages: [] };
    same.languages.push(language);
    classes.set(key, same);
  }
  return [...classes.values()].map(({ terms, languages }) => ({
    key: emitter.stringRest(of.or(...languages)),
    value: emitter.value(terms),
  }));
}

/**
 * The names that `propertyNames` lists, where it lists few: members of these are written as declared ones are, so that none
 * comes twice and their number can be counted.
 */
export function listedNames(
  facts: Facts,
  declared: ReadonlySet<string>,
  emitter: Emitter,
): readonly string[] {
  const lists = facts.names.flatMap((terms) => {
    const values = listedValues(terms, emitter.schemas);
    return values === undefined ? [] : [values.filter((value) => typeof value === "string")];
  });
  const shortest = lists.toSorted((a, b) => a.length - b.length)[0] ?? [];
  if (shortest.length > MAX_LISTED_NAMES) return [];
  const closes = closesTo(declared, facts, emitter);
  return shortest.filter((name) => !closes || memberAt(facts, name, emitter.schemas).length > 0);
}

/** Whether an object that names its members, or has a pattern for them, and says nothing of others, has no others. */
function closesTo(
  declared: ReadonlySet<string>,
  facts: Facts,
  { closesObjects, schemas }: Emitter,
): boolean {
  if (!closesObjects) return false;
  if (declared.size > 0 && facts.minProperties <= declared.size) return true;
  // A pattern whose members are impossible says what names are not like.
  return facts.blocks.some(({ patterns }) =>
    patterns.some(([, terms]) => !schemas.isImpossible(terms)),
  );
}

type KeyClass = { readonly language: Expression; readonly matched: ReadonlySet<Expression> };

function classesOf(
  blocks: readonly Block[],
  all: Expression,
  schemas: Schemas,
): readonly KeyClass[] {
  const { of } = schemas;
  const patterns = new Set(blocks.flatMap((block) => block.patterns.map(([pattern]) => pattern)));
  let classes: readonly KeyClass[] = [{ language: all, matched: new Set() }];
  for (const pattern of patterns) {
    const lone = classes.length === 1;
    classes = classes.flatMap(({ language, matched }) => [
      { language: of.and(language, pattern), matched: new Set([...matched, pattern]) },
      { language: of.and(language, of.not(pattern)), matched },
    ]);
    if (!lone) classes = classes.filter(({ language }) => !isNothing(language, schemas));
    if (classes.length > MAX_CLASSES) {
      throw new GrammarError("too_large", "patternProperties overlap in too many ways");
    }
  }
  return classes;
}

function valueIn(block: Block, matched: ReadonlySet<Expression>): Conjunction {
  const matching = block.patterns.filter(([pattern]) => matched.has(pattern));
  return matching.length === 0 ? block.additional : matching.flatMap(([, terms]) => terms);
}
