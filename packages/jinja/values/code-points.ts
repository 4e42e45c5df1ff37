/** Texts counted as Python counts them, in code points, where JavaScript counts halves of some. */

const HALVES = /[\uD800-\uDFFF]/;

export function lengthOf(text: string): number {
  if (!HALVES.test(text)) return text.length;
  let length = 0;
  for (const _ of text) length++;
  return length;
}

/** One string each. */
export function pointsOf(text: string): readonly string[] {
  return Array.from(text);
}

export function pointAt(text: string, index: number): string | undefined {
  return HALVES.test(text) ? Array.from(text).at(index) : text.at(index);
}

/** From an index in halves, as JavaScript's searches give them, to one in code points. */
export function pointIndex(text: string, index: number): number {
  return index < 0 ? index : lengthOf(text.slice(0, index));
}

/** What Python's `str.isspace` takes for space: not quite what JavaScript does. */
export const SPACE =
  "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
