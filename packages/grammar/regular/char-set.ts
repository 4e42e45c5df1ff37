/**
 * Sets of Unicode code points, as sorted ranges that neither overlap nor touch.
 *
 * A flat array `[from, to, from, to, …]`, both ends included. Surrogates are no characters and belong to no set.
 */

export type CharSet = readonly number[];

export const LAST_CODE_POINT = 0x10ffff;
const SURROGATES: CharSet = [0xd800, 0xdfff];

const EMPTY_SET: CharSet = [];

export function setOf(...ranges: readonly (readonly [number, number])[]): CharSet {
  return normalize(ranges.map(([from, to]) => [from, to]));
}

export function charSet(char: number): CharSet {
  return [char, char];
}

/** `"az09"` is a to z and 0 to 9. */
export function rangesOf(pairs: string): CharSet {
  const points = Array.from(pairs).map((char) => char.codePointAt(0) ?? 0);
  const ranges: [number, number][] = [];
  for (let i = 0; i + 1 < points.length; i += 2) ranges.push([points[i] ?? 0, points[i + 1] ?? 0]);
  return normalize(ranges);
}

export function union(...sets: readonly CharSet[]): CharSet {
  const ranges: [number, number][] = [];
  for (const set of sets) {
    for (let i = 0; i < set.length; i += 2) ranges.push([set[i] ?? 0, set[i + 1] ?? 0]);
  }
  return normalize(ranges);
}

export function complement(set: CharSet): CharSet {
  return subtract(invert(set), SURROGATES);
}

export function intersect(a: CharSet, b: CharSet): CharSet {
  const result: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const from = Math.max(a[i] ?? 0, b[j] ?? 0);
    const to = Math.min(a[i + 1] ?? 0, b[j + 1] ?? 0);
    if (from <= to) result.push(from, to);
    if ((a[i + 1] ?? 0) < (b[j + 1] ?? 0)) i += 2;
    else j += 2;
  }
  return result;
}

export function subtract(a: CharSet, b: CharSet): CharSet {
  return intersect(a, invert(b));
}

export function hasChar(set: CharSet, char: number): boolean {
  let low = 0;
  let high = set.length / 2 - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (char < (set[middle * 2] ?? 0)) high = middle - 1;
    else if (char > (set[middle * 2 + 1] ?? 0)) low = middle + 1;
    else return true;
  }
  return false;
}

export function sizeOf(set: CharSet): number {
  let size = 0;
  for (let i = 0; i < set.length; i += 2) size += (set[i + 1] ?? 0) - (set[i] ?? 0) + 1;
  return size;
}

function invert(set: CharSet): CharSet {
  const result: number[] = [];
  let next = 0;
  for (let i = 0; i < set.length; i += 2) {
    if (next < (set[i] ?? 0)) result.push(next, (set[i] ?? 0) - 1);
    next = (set[i + 1] ?? 0) + 1;
  }
  if (next <= LAST_CODE_POINT) result.push(next, LAST_CODE_POINT);
  return result;
}

function normalize(ranges: [number, number][]): CharSet {
  const sorted = ranges.filter(([from, to]) => from <= to).toSorted((a, b) => a[0] - b[0]);
  const result: number[] = [];
  for (const [from, to] of sorted) {
    const last = result.length - 1;
    if (last > 0 && from <= (result[last] ?? 0) + 1) {
      result[last] = Math.max(result[last] ?? 0, to);
    } else {
      result.push(from, to);
    }
  }
  return result;
}

export const ANY_CHAR: CharSet = complement(EMPTY_SET);
export const DIGIT: CharSet = rangesOf("09");
