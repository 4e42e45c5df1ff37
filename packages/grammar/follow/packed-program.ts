/**
 * A program as few long rows of numbers, to be handed from one thread to another: a large one has a hundred thousand
 * elements, and copying as many objects would hold up whoever receives them. Most of its sets are the same few.
 */
import type { Program } from "../gbnf/recognize.ts";
import type { CharSet } from "../regular/char-set.ts";

export type PackedProgram = {
  /** -1 ends an alternative; 2n is rule n, and 2n + 1 the set n. */
  readonly elements: Int32Array;
  readonly sets: readonly CharSet[];
  /** All of a rule's, then the next one's; how many each has. */
  readonly starts: Int32Array;
  readonly startCounts: Int32Array;
  readonly root: number;
};

export function packed({ elements, starts, root }: Program): PackedProgram {
  const sets: CharSet[] = [];
  const numbers = new Map<string, number>();
  const numberOf = (set: CharSet): number => {
    const key = set.join();
    const known = numbers.get(key) ?? sets.push(set) - 1;
    numbers.set(key, known);
    return known;
  };
  return {
    elements: Int32Array.from(elements, (element) => {
      if (element === undefined) return -1;
      return typeof element === "number" ? 2 * element : 2 * numberOf(element) + 1;
    }),
    sets,
    starts: Int32Array.from(starts.flat()),
    startCounts: Int32Array.from(starts, (own) => own.length),
    root,
  };
}

export function unpacked({ elements, sets, starts, startCounts, root }: PackedProgram): Program {
  let at = 0;
  return {
    elements: Array.from(elements, (code) =>
      code === -1 ? undefined : code % 2 === 0 ? code / 2 : sets[(code - 1) / 2],
    ),
    starts: Array.from(startCounts, (count) => [...starts.subarray(at, (at += count))]),
    root,
  };
}
