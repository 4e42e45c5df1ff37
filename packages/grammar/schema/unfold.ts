/**
 * Unfolds a conjunction of subschemas into the alternatives that it allows.
 *
 * Keywords that only narrow are collected first; those that offer a choice (`anyOf`, `oneOf`, `if`, a negation) are
 * decided one after the other, fewest options first, and an alternative is given up as soon as nothing fits it.
 */
import type { Budget } from "../budget.ts";
import { GrammarError } from "../grammar-error.ts";
import type { Json } from "../json.ts";
import type { Expressions } from "../regular/expression.ts";
import { assertKeywords } from "./assert.ts";
import type { SchemaDocument, Subschema } from "./document.ts";
import { type Conjunction, type Facts, type Order, type Term, anything, keyOf } from "./facts.ts";
import { denyKeywords } from "./deny.ts";
import { strangersThatBreak } from "./strangers.ts";
import { withoutImpossible } from "./possible.ts";
import { type Step, closeUnevaluated } from "./unevaluated.ts";

/** One way to satisfy a choice: more terms, more facts, or both. */
export type Option = { readonly terms?: Conjunction; readonly narrow?: (facts: Facts) => void };

/** What a keyword hands on while its subschema is read. */
export type Reading = {
  readonly facts: Facts;
  readonly demand: (...terms: readonly Term[]) => void;
  readonly choose: (options: readonly Option[]) => void;
  readonly schemas: Schemas;
  /** The order of what stands at a keyword of the subschema, for the blocks and terms that it hands on. */
  readonly orderOf: (keyword: string, index?: number) => Order;
  /** The conjunction that is being unfolded. */
  readonly whole: Conjunction;
};

/** The means of one compilation. */
export type Schemas = {
  readonly document: SchemaDocument;
  readonly of: Expressions;
  readonly budget: Budget;
  readonly unfold: (terms: Conjunction) => Unfolded;
  /** The types of the values that may fit. Where recursion comes round, or not all can be said, all types. */
  readonly possibleTypes: (terms: Conjunction) => number;
  /** Whether surely no value fits. */
  readonly isImpossible: (terms: Conjunction) => boolean;
  readonly isValid: (value: Json, terms: Conjunction) => boolean;
};

type Unfolded = {
  readonly alternatives: readonly Facts[];
  /** False where values exist that no alternative offers, because they cannot be said. */
  readonly exact: boolean;
};

type Found = { readonly alternatives: Facts[]; exact: boolean };

type Branch = {
  readonly facts: Facts;
  readonly seen: Map<number, boolean>;
  readonly todo: Term[];
  readonly choices: (readonly Option[])[];
  readonly steps: Step[];
};

export function createUnfold(schemas: () => Schemas) {
  const known = new Map<string, Unfolded>();
  return (terms: Conjunction): Unfolded => {
    const key = keyOf(terms);
    const found = known.get(key);
    if (found !== undefined) return found;
    const unfolded: Found = { alternatives: [], exact: true };
    const start = {
      facts: anything(),
      seen: new Map(),
      todo: terms.toReversed(),
      choices: [],
      steps: [],
    };
    explore(start, terms, unfolded, schemas());
    known.set(key, unfolded);
    return unfolded;
  };
}

function explore(branch: Branch, whole: Conjunction, found: Found, schemas: Schemas): void {
  schemas.budget.spend(20);
  if (!settle(branch, whole, schemas)) return;
  const choices = choicesOf(branch, schemas);
  if (choices.length === 0) {
    closeUnevaluated(branch.facts, branch.steps, schemas);
    addAlternative(branch.facts, whole, found, schemas);
    return;
  }
  const next = choices.reduce((best, each) => (each.length < best.length ? each : best));
  const others = choices.filter((each) => each !== next);
  for (const { terms = [], narrow } of next) {
    // What is copied is work too: of a schema with thousands of parts it is most of it.
    schemas.budget.spend(Math.ceil((branch.seen.size + branch.steps.length) / 4));
    const facts = { ...branch.facts };
    narrow?.(facts);
    const todo = terms.toReversed();
    explore(
      {
        facts,
        seen: new Map(branch.seen),
        todo,
        choices: [...others],
        steps: [...branch.steps],
      },
      whole,
      found,
      schemas,
    );
  }
}

/** What is still to be decided; of which member breaks a subschema last, when all are known that may be there. */
function choicesOf({ facts, choices }: Branch, schemas: Schemas): readonly (readonly Option[])[] {
  const [at, ...strangers] = facts.strangers;
  if (choices.length > 0 || at === undefined) return choices;
  facts.strangers = strangers;
  return [strangersThatBreak(at, facts, schemas)];
}

function addAlternative(given: Facts, whole: Conjunction, found: Found, schemas: Schemas): void {
  const { facts, exact } = withoutImpossible(given, whole, schemas);
  if (!exact || facts?.unsayable === true) found.exact = false;
  if (facts === undefined || facts.unsayable) return;
  found.alternatives.push(facts);
  if (found.alternatives.length > schemas.budget.limits.alternatives) {
    throw tooMany(whole[0]?.subschema, schemas);
  }
}

/** Reads all terms that are due; false where they contradict each other. */
function settle(branch: Branch, whole: Conjunction, schemas: Schemas): boolean {
  const { facts, seen, todo, choices, steps } = branch;
  for (let term = todo.pop(); term !== undefined; term = todo.pop()) {
    const { subschema, negated } = term;
    steps.push(...stepsOf(term));
    const before = seen.get(subschema.id);
    if (before !== undefined && before !== negated) return false;
    if (before !== undefined) continue;
    seen.set(subschema.id, negated);
    schemas.budget.spend(5);
    if (typeof subschema.schema === "boolean") {
      if (subschema.schema === negated) return false;
      continue;
    }
    const required: Term[] = [];
    const own = (terms: readonly Term[]) =>
      negated ? terms : terms.map((each) => ({ ...each, from: subschema.id }));
    const reading: Reading = {
      facts,
      demand: (...terms) => required.push(...own(terms)),
      choose: (options) =>
        choices.push(options.map(({ terms = [], ...rest }) => ({ ...rest, terms: own(terms) }))),
      schemas,
      orderOf: (keyword, index = 0) => [...(term.order ?? []), position(subschema, keyword), index],
      whole,
    };
    if (negated) denyKeywords(subschema, reading);
    else assertKeywords(subschema, reading);
    todo.push(...required.toReversed());
    if (facts.types === 0 || facts.values?.length === 0) return false;
  }
  return true;
}

/** What holds looks at the value; what must not hold does not. */
function stepsOf({ from, negated, subschema }: Term): readonly Step[] {
  return from === undefined || negated ? [] : [[from, subschema.id]];
}

/** Keywords are ordered as the document has them. */
function position({ schema }: Subschema, keyword: string): number {
  return typeof schema === "boolean" ? 0 : Object.keys(schema).indexOf(keyword) + 1;
}

function tooMany(at: Subschema | undefined, { budget }: Schemas): GrammarError {
  return new GrammarError(
    "too_large",
    `unfolds into more than ${budget.limits.alternatives} alternatives`,
    at?.path,
  );
}
