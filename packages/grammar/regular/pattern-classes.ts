/** The character classes that patterns name: `.`, `\d`, `\w`, `\s`, their complements, and Unicode properties. */
import { type CharSet, LAST_CODE_POINT, complement, rangesOf, setOf } from "./char-set.ts";

export const DOT: CharSet = complement(setOf([0x0a, 0x0a], [0x0d, 0x0d], [0x2028, 0x2029]));

const DIGITS = rangesOf("09");
const WORD = rangesOf("azAZ09__");
const SPACE = setOf(
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
);

export const CLASS_ESCAPES: Readonly<Record<string, CharSet>> = {
  d: DIGITS,
  D: complement(DIGITS),
  w: WORD,
  W: complement(WORD),
  s: SPACE,
  S: complement(SPACE),
};

export const CONTROL_ESCAPES: Readonly<Record<string, number>> = {
  0: 0,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
};

const properties = new Map<string, CharSet | undefined>();

/** The set of a Unicode property such as `L` or `Script=Greek`, as this runtime's Unicode has it. */
export function propertySet(name: string): CharSet | undefined {
  if (!properties.has(name)) properties.set(name, readProperty(name));
  return properties.get(name);
}

function readProperty(name: string): CharSet | undefined {
  let test: RegExp;
  try {
    test = new RegExp(`^\\p{${name}}$`, "u");
  } catch {
    return undefined;
  }
  const ranges: [number, number][] = [];
  for (let char = 0; char <= LAST_CODE_POINT; char++) {
    if (char === 0xd800) char = 0xe000;
    if (!test.test(String.fromCodePoint(char))) continue;
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === char - 1) last[1] = char;
    else ranges.push([char, char]);
  }
  return setOf(...ranges);
}
