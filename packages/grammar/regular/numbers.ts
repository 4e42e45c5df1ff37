/**
 * Numbers as regular languages over their JSON text: ranges compared digit by digit, multiples by remainders.
 *
 * Texts are bounded in length, so that a model cannot write digits for ever, and so that what differs as text differs
 * as a double too: next to a bound the decimals stay within the 15 digits that a double keeps.
 */
import { DIGIT, rangesOf, setOf } from "./char-set.ts";
import { decimalOf, neighbour } from "./decimal.ts";
import type { Dfa, Transition } from "./dfa.ts";
import type { Expression, Expressions } from "./expression.ts";

const MAX_INTEGER_DIGITS = 18;
const DOUBLE_DIGITS = 15;
const MAX_MULTIPLE_STATES = 4096;

export type Bound = { readonly value: number; readonly exclusive: boolean };

/** Which number texts a schema speaks of: whole numbers without a point, and those with a fraction that is not 0. */
type NumberKinds = { readonly whole: boolean; readonly fractional: boolean };

/** All numbers, exponents included, that stay finite as doubles. */
export function freeNumber(kinds: NumberKinds, of: Expressions): Expression {
  const digit = of.set(DIGIT);
  const whole = of.or(
    of.literal("0"),
    of.concat(of.set(rangesOf("19")), of.repeat(digit, 0, MAX_INTEGER_DIGITS)),
  );
  const sign = of.optional(of.literal("-"));
  if (!kinds.fractional) return of.concat(sign, whole);
  const exponent = of.sequence(
    of.set(rangesOf("eeEE")),
    of.optional(of.set(rangesOf("++--"))),
    of.or(
      of.repeat(digit, 1, 2),
      of.sequence(of.set(rangesOf("12")), of.set(rangesOf("06")), digit),
    ),
  );
  const fraction = of.concat(of.literal("."), of.repeat(digit, 1, 20));
  if (kinds.whole) return of.sequence(sign, whole, of.optional(fraction), of.optional(exponent));
  return of.sequence(sign, whole, of.and(fraction, notZeros(of)));
}

function notZeros(of: Expressions): Expression {
  return of.not(of.concat(of.literal("."), of.star(of.literal("0"))));
}

/** Numbers without exponents, the texts that ranges and multiples are said of. */
export function plainNumber(
  kinds: NumberKinds,
  bounds: readonly number[],
  of: Expressions,
): Expression {
  const decimals = bounds.map(decimalOf);
  const longest = Math.max(1, ...decimals.map(({ integer }) => integer.length));
  const finest = Math.max(0, ...decimals.map(({ fraction }) => fraction.length));
  const places = Math.max(finest, DOUBLE_DIGITS - longest, 1);
  const digit = of.set(DIGIT);
  const integerDigits = Math.max(DOUBLE_DIGITS, longest);
  const whole = of.or(
    of.literal("0"),
    of.concat(of.set(rangesOf("19")), of.repeat(digit, 0, integerDigits - 1)),
  );
  const fraction = of.concat(of.literal("."), of.repeat(digit, 1, places));
  const form = !kinds.fractional
    ? whole
    : of.concat(whole, kinds.whole ? of.optional(fraction) : of.and(fraction, notZeros(of)));
  const negative = of.and(form, atLeast({ value: 0, exclusive: true }, of));
  return of.or(form, of.concat(of.literal("-"), negative));
}

export function minimumLanguage(bound: Bound, of: Expressions): Expression {
  const { value, exclusive } = distinct(bound, true);
  const minus = of.literal("-");
  if (value < 0) {
    return of.or(
      atLeast({ value: 0, exclusive: false }, of),
      of.concat(minus, atMost({ value: -value, exclusive }, of)),
    );
  }
  return atLeast({ value, exclusive }, of);
}

export function maximumLanguage(bound: Bound, of: Expressions): Expression {
  const { value, exclusive } = distinct(bound, false);
  const minus = of.literal("-");
  if (value < 0) return of.concat(minus, atLeast({ value: -value, exclusive }, of));
  return of.or(
    atMost({ value, exclusive }, of),
    of.concat(minus, of.concat(of.set(DIGIT), of.anything)),
  );
}

/** Where doubles are further apart than 1, a text beyond an exclusive bound may be read as the bound itself. */
function distinct({ value, exclusive }: Bound, minimum: boolean): Bound {
  if (!exclusive || Math.abs(value) < Number.MAX_SAFE_INTEGER) return { value, exclusive };
  return { value: neighbour(value, minimum), exclusive: false };
}

/** Numbers without a sign that are at least the bound. */
function atLeast({ value, exclusive }: Bound, of: Expressions): Expression {
  const { integer, fraction } = decimalOf(value);
  const digit = of.set(DIGIT);
  const digits = of.star(digit);
  const anyFraction = of.optional(of.sequence(of.literal("."), digit, digits));
  const longer = of.sequence(
    of.set(rangesOf("19")),
    of.repeat(digit, integer.length, Infinity),
    anyFraction,
  );
  const greater = Array.from(integer).map((each, i) =>
    of.sequence(
      of.literal(integer.slice(0, i)),
      digitsBetween(Number(each) + 1, 9, of),
      of.repeat(digit, integer.length - i - 1, integer.length - i - 1),
      anyFraction,
    ),
  );
  return of.or(
    longer,
    ...greater,
    of.concat(of.literal(integer), fractionAtLeast(fraction, exclusive, of)),
  );
}

function fractionAtLeast(fraction: string, exclusive: boolean, of: Expressions): Expression {
  const digit = of.set(DIGIT);
  const digits = of.star(digit);
  const point = of.literal(".");
  const positive = of.sequence(of.star(of.literal("0")), of.set(rangesOf("19")), digits);
  if (fraction === "") {
    return exclusive ? of.concat(point, positive) : of.optional(of.sequence(point, digit, digits));
  }
  const greater = Array.from(fraction).map((each, i) =>
    of.sequence(of.literal(fraction.slice(0, i)), digitsBetween(Number(each) + 1, 9, of), digits),
  );
  const equal = of.concat(of.literal(fraction), exclusive ? positive : digits);
  return of.concat(point, of.or(...greater, equal));
}

/** Numbers without a sign that are at most the bound. */
function atMost({ value, exclusive }: Bound, of: Expressions): Expression {
  const { integer, fraction } = decimalOf(value);
  const digit = of.set(DIGIT);
  const anyFraction = of.optional(of.sequence(of.literal("."), digit, of.star(digit)));
  const shorter =
    integer.length === 1
      ? of.never
      : of.concat(of.repeat(digit, 1, integer.length - 1), anyFraction);
  const less = Array.from(integer).map((each, i) =>
    of.sequence(
      of.literal(integer.slice(0, i)),
      digitsBetween(i === 0 && integer.length > 1 ? 1 : 0, Number(each) - 1, of),
      of.repeat(digit, integer.length - i - 1, integer.length - i - 1),
      anyFraction,
    ),
  );
  return of.or(
    shorter,
    ...less,
    of.concat(of.literal(integer), fractionAtMost(fraction, exclusive, of)),
  );
}

function fractionAtMost(fraction: string, exclusive: boolean, of: Expressions): Expression {
  const digits = of.star(of.set(DIGIT));
  const point = of.literal(".");
  const zeros = of.star(of.literal("0"));
  const less = Array.from(fraction).map((each, i) =>
    of.sequence(of.literal(fraction.slice(0, i)), digitsBetween(0, Number(each) - 1, of), digits),
  );
  const shorter = Array.from(fraction)
    .slice(1)
    .map((_, i) => of.literal(fraction.slice(0, i + 1)));
  if (fraction === "") {
    return exclusive ? of.never : of.optional(of.sequence(point, of.literal("0"), zeros));
  }
  const equal = exclusive ? of.never : of.concat(of.literal(fraction), zeros);
  return of.optional(of.concat(point, of.or(...less, ...shorter, equal)));
}

function digitsBetween(low: number, high: number, of: Expressions): Expression {
  return low > high ? of.never : of.set(setOf([48 + low, 48 + high]));
}

/** Multiples of a number, or undefined where the automaton would be too large. */
export function multiplesOf(divisor: number, of: Expressions): Expression | undefined {
  const { integer, fraction } = decimalOf(divisor);
  const places = fraction.length;
  const modulus = Number(integer + fraction);
  if (!(modulus > 0) || modulus * (places + 2) > MAX_MULTIPLE_STATES) return undefined;
  return of.concat(of.optional(of.literal("-")), of.automaton(remainderDfa(modulus, places)));
}

/** States: the remainder of the digits read so far, before the point (row 0) and after each of the places. */
function remainderDfa(modulus: number, places: number): Dfa {
  const start = modulus * (places + 2);
  const state = (row: number, remainder: number) => row * modulus + remainder;
  const transitions: Transition[][] = [];
  const accepting: boolean[] = [];
  for (let row = 0; row <= places + 1; row++) {
    for (let remainder = 0; remainder < modulus; remainder++) {
      const left = row === 0 ? places : places - (row - 1);
      accepting.push((remainder * 10 ** left) % modulus === 0);
      transitions.push(fromRemainder(row, remainder));
    }
  }
  function fromRemainder(row: number, remainder: number): Transition[] {
    const digits = Array.from({ length: 10 }, (_, digit) => digit).flatMap((digit) => {
      const char = 48 + digit;
      const next = (remainder * 10 + digit) % modulus;
      if (row === 0) return [{ from: char, to: char, target: state(0, next) }];
      if (row <= places) return [{ from: char, to: char, target: state(row + 1, next) }];
      return digit === 0 ? [{ from: char, to: char, target: state(row, remainder) }] : [];
    });
    return row === 0 ? [{ from: 46, to: 46, target: state(1, remainder) }, ...digits] : digits;
  }
  transitions.push((transitions[0] ?? []).filter(({ from }) => from !== 46));
  accepting.push(false);
  return { start, accepting, transitions };
}
