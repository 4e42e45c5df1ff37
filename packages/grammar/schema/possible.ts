/**
 * Takes from an alternative what no value can satisfy: types whose demands contradict each other.
 *
 * It is how options of `oneOf` are found to be disjoint, and how branches end early. It errs on the side of
 * "possible"; what then turns out to have no text is dropped when the grammar is trimmed.
 */
import { type Json, canonicalText } from "../json.ts";
import {
  ARRAY,
  BOOLEAN,
  type Conjunction,
  type Facts,
  NUMBER,
  OBJECT,
  STRING,
  typeOf,
} from "./facts.ts";
import { itemAt, memberAt } from "./inside.ts";
import { isNothing } from "./lengths.ts";
import { numbersOf } from "./number-languages.ts";
import { stringsOf } from "./string-languages.ts";
import type { Schemas } from "./unfold.ts";

type Possible = {
  readonly facts: Facts | undefined;
  /** False where a type was taken away that some value of it may satisfy after all. */
  readonly exact: boolean;
};

export function withoutImpossible(given: Facts, whole: Conjunction, schemas: Schemas): Possible {
  const facts = { ...given };
  if (facts.values !== undefined) {
    return { facts: onlyValid(facts, facts.values, whole, schemas), exact: true };
  }
  if (facts.booleans === 0) facts.types &= ~BOOLEAN;
  const checks = [withoutStrings, withoutNumbers, withoutObjects, withoutArrays];
  const exact = checks.map((check) => check(facts, schemas)).every(Boolean);
  return { facts: facts.types === 0 ? undefined : facts, exact };
}

/** Each takes its type away where nothing of it is left, and says whether that is certain. */
function withoutStrings(facts: Facts, schemas: Schemas): boolean {
  if ((facts.types & STRING) === 0 || facts.strings.length === 0) return true;
  if (!isNothing(stringsOf(facts, schemas), schemas)) return true;
  facts.types &= ~STRING;
  return !facts.narrowed;
}

function withoutNumbers(facts: Facts, schemas: Schemas): boolean {
  if ((facts.types & NUMBER) === 0 || facts.numbers.length === 0) return true;
  if (isNothing(numbersOf(facts, schemas), schemas)) facts.types &= ~NUMBER;
  return true;
}

function withoutObjects(facts: Facts, schemas: Schemas): boolean {
  if ((facts.types & OBJECT) === 0) return true;
  const lacking = [...facts.required].some((name) =>
    schemas.isImpossible(memberAt(facts, name, schemas)),
  );
  const isNameless = facts.minProperties > 0 && !lacking && allowsNoName(facts, schemas);
  if (lacking || isNameless || facts.required.size > facts.maxProperties) facts.types &= ~OBJECT;
  const isWhole = facts.names.length === 0 && facts.unevaluated.length === 0;
  return isWhole || !(lacking || isNameless);
}

/** Whether what is closed to other members leaves no name for any. */
function allowsNoName({ blocks }: Facts, schemas: Schemas): boolean {
  const { of } = schemas;
  const closed = blocks.filter(
    ({ additional }) => additional.length > 0 && schemas.isImpossible(additional),
  );
  if (closed.length === 0) return false;
  const names = closed.map(({ properties, patterns }) =>
    of.or(...[...properties.keys()].map(of.literal), ...patterns.map(([pattern]) => pattern)),
  );
  return isNothing(of.and(...names), schemas);
}

function withoutArrays(facts: Facts, schemas: Schemas): boolean {
  if ((facts.types & ARRAY) === 0 || facts.minItems === 0) return true;
  const places = Math.max(0, ...facts.tuples.map(({ prefix }) => prefix.length));
  const needed = Math.min(facts.minItems, places + 1);
  const items = Array.from({ length: needed }, (_, i) => itemAt(facts, i));
  const contained = facts.contains.filter(({ min }) => min > 0).map(({ item }) => item);
  const lacking = [...items, ...contained].some(schemas.isImpossible);
  if (lacking) facts.types &= ~ARRAY;
  return !lacking || facts.unevaluated.length === 0;
}

function onlyValid(
  facts: Facts,
  values: readonly Json[],
  whole: Conjunction,
  schemas: Schemas,
): Facts | undefined {
  const distinct = new Map(values.map((value) => [canonicalText(value), value]));
  schemas.budget.spend(distinct.size);
  const valid = [...distinct.values()].filter(
    (value) => (typeOf(value) & facts.types) !== 0 && schemas.isValid(value, whole),
  );
  return valid.length === 0 ? undefined : { ...facts, values: valid };
}
