/**
 * The keywords that bound how long a string is, and how many items and members there are: the same for all three.
 */
import type { Subschema } from "./document.ts";
import { ARRAY, type Facts, OBJECT, STRING } from "./facts.ts";
import { countAt } from "./keywords.ts";
import type { Option } from "./unfold.ts";

/** As the names of the keywords end: `minLength`, `maxItems`. */
type Sized = "Length" | "Items" | "Properties";

const TYPES: Readonly<Record<Sized, number>> = { Length: STRING, Items: ARRAY, Properties: OBJECT };

function sizesAt(at: Subschema, sized: Sized): { readonly min: number; readonly max: number } {
  return {
    min: countAt(at, `min${sized}`) ?? 0,
    max: countAt(at, `max${sized}`) ?? Infinity,
  };
}

export function sizeFits(size: number, at: Subschema, sized: Sized): boolean {
  const { min, max } = sizesAt(at, sized);
  return size >= min && size <= max;
}

export function assertSize(at: Subschema, sized: Sized, facts: Facts): void {
  const { min, max } = sizesAt(at, sized);
  facts[`min${sized}`] = Math.max(facts[`min${sized}`], min);
  facts[`max${sized}`] = Math.min(facts[`max${sized}`], max);
  if (facts[`min${sized}`] > facts[`max${sized}`]) facts.types &= ~TYPES[sized];
}

/** Shorter than the least, or longer than the most. */
export function brokenSize(at: Subschema, sized: Sized): readonly Option[] {
  const { min, max } = sizesAt(at, sized);
  const shorter = (facts: Facts): void =>
    void (facts[`max${sized}`] = Math.min(facts[`max${sized}`], min - 1));
  const longer = (facts: Facts): void =>
    void (facts[`min${sized}`] = Math.max(facts[`min${sized}`], max + 1));
  return [...(min > 0 ? [shorter] : []), ...(max < Infinity ? [longer] : [])].map((resize) => ({
    narrow: (facts) => {
      facts.types &= TYPES[sized];
      resize(facts);
      if (facts[`min${sized}`] > facts[`max${sized}`]) facts.types = 0;
    },
  }));
}
