/**
 * What is known of the values that one alternative of a schema allows, for every type at once.
 *
 * A subschema unfolds into a list of these, and a value is allowed where it fits one. Values inside (items,
 * members) stay conjunctions of subschemas, which unfold when their turn comes: that is how recursion ends.
 */
import type { GrammarError } from "../grammar-error.ts";
import type { Json } from "../json.ts";
import type { Expression } from "../regular/expression.ts";
import type { Subschema } from "./document.ts";

/** Types are bits. Whole numbers are integers written without a point; fractions are the other numbers. */
export const NULL = 1;
export const BOOLEAN = 2;
export const WHOLE = 4;
export const FRACTION = 8;
export const STRING = 16;
export const ARRAY = 32;
export const OBJECT = 64;
export const NUMBER = WHOLE | FRACTION;
export const ALL_TYPES = 127;

/** A subschema that must hold, or one that must not. */
export type Term = {
  readonly subschema: Subschema;
  readonly negated: boolean;
  /** Where the term stands among the keywords that led to it: members are written in that order. */
  readonly order?: Order;
  /** The subschema that holds, and makes this one hold too. */
  readonly from?: number | undefined;
};

/** Compared number by number. */
export type Order = readonly number[];

/** All of them together. */
export type Conjunction = readonly Term[];

/** `prefixItems` and the items after them. */
export type Tuple = {
  readonly prefix: readonly Conjunction[];
  readonly rest: Conjunction;
  /** The subschema whose keywords these are. */
  readonly from?: number;
};

export type Contains = {
  readonly item: Conjunction;
  readonly min: number;
  readonly max: number;
  readonly at: Subschema;
};

/** What one subschema says of an object's members: by name, else by pattern, else `additional`. */
export type Block = {
  /** The subschema whose keywords these are. */
  readonly from?: number;
  readonly order: Order;
  readonly properties: ReadonlyMap<string, Conjunction>;
  readonly patterns: readonly (readonly [Expression, Conjunction])[];
  readonly additional: Conjunction;
};

/** A keyword without a guarantee; it matters only where a value of these types is possible. */
type Problem = { readonly types: number; readonly error: GrammarError };

export type Facts = {
  types: number;
  /** Bit 1: true is allowed; bit 2: false is. */
  booleans: number;
  /** Languages of number texts, and the bounds that they speak of. */
  numbers: readonly Expression[];
  bounds: readonly number[];
  strings: readonly Expression[];
  minLength: number;
  maxLength: number;
  /** From `enum` and `const`: nothing else is allowed. */
  values: readonly Json[] | undefined;
  tuples: readonly Tuple[];
  contains: readonly Contains[];
  minItems: number;
  maxItems: number;
  unique: Subschema | undefined;
  blocks: readonly Block[];
  required: ReadonlySet<string>;
  names: readonly Conjunction[];
  minProperties: number;
  maxProperties: number;
  /** Each of these is broken by a member that its `properties` do not name. */
  strangers: readonly Subschema[];
  /** With `unevaluatedProperties` or `unevaluatedItems`. */
  unevaluated: readonly Subschema[];
  problems: readonly Problem[];
  /** Strings are allowed by a format that is narrower here than its RFC. */
  narrowed: boolean;
  /** A keyword is broken in a way that cannot be said: such values exist, and none is offered. */
  unsayable: boolean;
};

export function anything(): Facts {
  return {
    types: ALL_TYPES,
    booleans: 3,
    numbers: [],
    bounds: [],
    strings: [],
    minLength: 0,
    maxLength: Infinity,
    values: undefined,
    tuples: [],
    contains: [],
    minItems: 0,
    maxItems: Infinity,
    unique: undefined,
    blocks: [],
    required: new Set(),
    names: [],
    minProperties: 0,
    maxProperties: Infinity,
    strangers: [],
    unevaluated: [],
    problems: [],
    narrowed: false,
    unsayable: false,
  };
}

export function positive(subschema: Subschema, order: Order = []): Term {
  return { subschema, negated: false, order };
}

export function negative(subschema: Subschema, order: Order = []): Term {
  return { subschema, negated: true, order };
}

export function compareOrders(a: Order, b: Order): number {
  const at = a.findIndex((each, i) => each !== b[i]);
  if (at < 0) return a.length - b.length;
  return (a[at] ?? 0) - (b[at] ?? -1);
}

/** Equal for conjunctions of the same terms in any order. */
export function keyOf(terms: Conjunction): string {
  return [
    ...new Set(terms.map(({ subschema, negated }) => (negated ? -subschema.id : subschema.id))),
  ]
    .toSorted((a, b) => a - b)
    .join();
}

export function typeOf(value: Json): number {
  if (value === null) return NULL;
  if (typeof value === "boolean") return BOOLEAN;
  if (typeof value === "number") return Number.isInteger(value) ? WHOLE : FRACTION;
  if (typeof value === "string") return STRING;
  return Array.isArray(value) ? ARRAY : OBJECT;
}

const TYPE_BITS: ReadonlyMap<Json, number> = new Map([
  ["null", NULL],
  ["boolean", BOOLEAN],
  ["integer", WHOLE],
  ["number", NUMBER],
  ["string", STRING],
  ["array", ARRAY],
  ["object", OBJECT],
]);

/** The bits of a name in `type`; undefined for a name that is none. */
export function typeBits(name: Json): number | undefined {
  return TYPE_BITS.get(name);
}
