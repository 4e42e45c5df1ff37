/**
 * From a JSON Schema to a GBNF grammar whose every text is valid: the table of contents of this package.
 *
 * document (references) -> unfold (alternatives) -> emit (rules; automata for strings and numbers) -> tidy -> GBNF.
 * Nothing is weakened on the way. What cannot be guaranteed is a `GrammarError` that names the place.
 */
import { type Budget, type Limits, DEFAULT_LIMITS, createBudget } from "./budget.ts";
import { createCounted } from "./emit/counted.ts";
import { type Grammar, createGrammarBuilder } from "./rules/grammar.ts";
import { type Whitespace, createLayout } from "./emit/layout.ts";
import { createTexts } from "./emit/texts.ts";
import { tidy } from "./rules/tidy.ts";
import { createEmitter, unsatisfiable } from "./emit/values.ts";
import { writeGbnf } from "./gbnf/write.ts";
import { GrammarError } from "./grammar-error.ts";
import type { Json } from "./json.ts";
import { createExpressions } from "./regular/expression.ts";
import { readDocument } from "./schema/document.ts";
import { impossiblePlace } from "./schema/impossible-place.ts";
import { ALL_TYPES, keyOf, positive } from "./schema/facts.ts";
import { type Schemas, createUnfold } from "./schema/unfold.ts";
import { isValidValue } from "./schema/validate.ts";

export type SchemaOptions = {
  readonly whitespace?: Whitespace;
  /**
   * Write no members of which the schema says nothing, in objects of which it names some or gives a pattern. JSON Schema
   * allows them unless `additionalProperties` is false, but who names members wants these. Default false.
   */
  readonly closesObjects?: boolean;
  readonly limits?: Partial<Limits>;
  /** Of several schemas together. */
  readonly within?: Budget | undefined;
};

/**
 * The GBNF text of a schema's instances.
 *
 * Members come in declared order; instances that JSON Schema allows in another order, or with other spellings of
 * numbers (`1.0` for an integer), are not written.
 * @throws GrammarError
 */
export function compileSchema(schema: Json, options: SchemaOptions = {}): string {
  return textOf(schemaGrammar(schema, options), { ...DEFAULT_LIMITS, ...options.limits });
}

/**
 * The same, before it is written as GBNF.
 * @throws GrammarError
 */
export function schemaGrammar(schema: Json, options: SchemaOptions = {}): Grammar {
  try {
    return compile(schema, options);
  } catch (error) {
    // Recursion follows the schema: what nests too deep for the call stack is too large.
    if (!(error instanceof RangeError)) throw error;
    throw new GrammarError("too_large", "the schema nests too deep or has too many members");
  }
}

function compile(schema: Json, options: SchemaOptions): Grammar {
  const { whitespace = "flexible", closesObjects = false, limits, within } = options;
  const budget = createBudget({ ...DEFAULT_LIMITS, ...limits }, within);
  const document = readDocument(schema, budget);
  const unfold = createUnfold(() => schemas);
  const possibleTypes = createPossibleTypes(unfold);
  const schemas: Schemas = {
    document,
    of: createExpressions(budget),
    budget,
    unfold,
    possibleTypes,
    isImpossible: (terms) => possibleTypes(terms) === 0,
    isValid: (value, terms) => isValidValue(value, terms, schemas),
  };
  const grammar = createGrammarBuilder(budget);
  const counted = createCounted(grammar);
  const layout = createLayout(whitespace, grammar, counted);
  const texts = createTexts(grammar, budget);
  const emitter = createEmitter({ schemas, grammar, counted, layout, texts, closesObjects });
  const root = grammar.add("root", [[emitter.value([positive(document.root)])]]);
  if (root.kind !== "rule") throw new Error("a new rule is a rule");
  const tidied = tidy(grammar.finish(root.rule));
  if (tidied === undefined) throw unsatisfiable(impossiblePlace(document.root, schemas).path);
  return tidied;
}

function createPossibleTypes(unfold: Schemas["unfold"]): Schemas["possibleTypes"] {
  const known = new Map<string, number>();
  return (terms) => {
    const key = keyOf(terms);
    const found = known.get(key);
    if (found !== undefined) return found;
    // While it is being found out, and recursion comes round, everything counts as possible.
    known.set(key, ALL_TYPES);
    const { alternatives, exact } = unfold(terms);
    const types = alternatives.reduce((bits, facts) => bits | facts.types, 0);
    known.set(key, exact ? types : ALL_TYPES);
    return exact ? types : ALL_TYPES;
  };
}

function textOf(grammar: Grammar, { textLength }: Limits): string {
  const text = writeGbnf(grammar);
  if (text.length <= textLength) return text;
  throw new GrammarError("too_large", `the grammar is longer than ${textLength} characters`);
}
