/**
 * Sets of characters with the other case of every letter in them.
 *
 * Letters of ASCII have no other case outside of it: ſ is no s, although its upper case is one. Where engines differ in
 * that, the smaller set is right for all.
 */
import { type CharSet, hasChar, setOf, sizeOf, union } from "./char-set.ts";

/** Behind it no letter has cases. */
const LAST_CASED = 0x1ffff;
/** Of larger sets it is quicker to look at every letter that has cases. */
const SMALL_SET = 256;

export function withOtherCase(set: CharSet): CharSet {
  const known = otherCases();
  const letters =
    sizeOf(set) <= SMALL_SET
      ? charsOf(set)
      : [...known.keys()].filter((letter) => hasChar(set, letter));
  const others = letters.flatMap((letter) => known.get(letter) ?? []);
  return union(set, setOf(...others.map((other) => [other, other] as const)));
}

function charsOf(set: CharSet): readonly number[] {
  const chars: number[] = [];
  for (let i = 0; i < set.length; i += 2) {
    for (let char = set[i] ?? 0; char <= (set[i + 1] ?? 0); char++) chars.push(char);
  }
  return chars;
}

let cases: ReadonlyMap<number, readonly number[]> | undefined;

/** Found once, when a pattern first asks for it. */
function otherCases(): ReadonlyMap<number, readonly number[]> {
  cases ??= findCases();
  return cases;
}

function findCases(): ReadonlyMap<number, readonly number[]> {
  const found = new Map<number, readonly number[]>();
  const add = (one: number, other: number) => found.set(one, [...(found.get(one) ?? []), other]);
  for (let char = 0; char <= LAST_CASED; char++) {
    if (char === 0xd800) char = 0xe000;
    const text = String.fromCodePoint(char);
    for (const other of new Set([text.toLowerCase(), text.toUpperCase()])) {
      const point = other.codePointAt(0) ?? 0;
      const isOneChar = other.length === (point > 0xffff ? 2 : 1);
      if (point === char || !isOneChar || point < 0x80 !== char < 0x80) continue;
      add(char, point);
      add(point, char);
    }
  }
  return found;
}
