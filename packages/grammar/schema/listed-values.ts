/** The values of a conjunction where they are few enough to be listed: those of an `enum`, and `true`, `false` and `null`. */
import { type Json, canonicalText } from "../json.ts";
import { BOOLEAN, type Conjunction, type Facts, NULL } from "./facts.ts";
import type { Schemas } from "./unfold.ts";

/** Undefined where other values fit, too. */
export function listedValues(terms: Conjunction, schemas: Schemas): readonly Json[] | undefined {
  const values = new Map<string, Json>();
  for (const facts of schemas.unfold(terms).alternatives) {
    const listed = facts.values ?? wordsOf(facts);
    if (listed === undefined) return undefined;
    for (const value of listed) values.set(canonicalText(value), value);
  }
  return [...values.values()];
}

function wordsOf({ types, booleans }: Facts): readonly Json[] | undefined {
  if ((types & ~(NULL | BOOLEAN)) !== 0) return undefined;
  const bools = [true, false].filter((_, bit) => (booleans & (1 << bit)) !== 0);
  return [...((types & BOOLEAN) === 0 ? [] : bools), ...((types & NULL) === 0 ? [] : [null])];
}
