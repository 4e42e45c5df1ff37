/** What the keywords of arrays say when they must hold. */
import type { Subschema } from "./document.ts";
import { ARRAY, type Conjunction, positive } from "./facts.ts";
import { countAt, keywordsOf, prefixAt } from "./keywords.ts";
import { assertSize } from "./sizes.ts";
import type { Reading } from "./unfold.ts";

export function assertArray(at: Subschema, reading: Reading): void {
  const { facts } = reading;
  const keywords = keywordsOf(at);
  assertSize(at, "Items", facts);
  if ((facts.types & ARRAY) === 0) return;
  assertItems(at, reading);
  if (keywords["uniqueItems"] === true) facts.unique = at;
  assertContains(at, reading);
  if (keywords["unevaluatedItems"] !== undefined) facts.unevaluated = [...facts.unevaluated, at];
}

function assertItems(at: Subschema, { facts, schemas }: Reading): void {
  const { child } = schemas.document;
  const keywords = keywordsOf(at);
  const { list, length, after } = prefixAt(at);
  const rest: Conjunction = keywords[after] === undefined ? [] : [positive(child(at, after))];
  const heads = Array.from({ length }, (_, i) => [positive(child(at, list, i))]);
  if (heads.length > 0 || rest.length > 0)
    facts.tuples = [...facts.tuples, { prefix: heads, rest, from: at.id }];
}

function assertContains(at: Subschema, { facts, schemas }: Reading): void {
  if (keywordsOf(at)["contains"] === undefined) return;
  const min = countAt(at, "minContains") ?? 1;
  const max = countAt(at, "maxContains") ?? Infinity;
  const item = [positive(schemas.document.child(at, "contains"))];
  if (min > max) facts.types &= ~ARRAY;
  if (min > 0 || max < Infinity) facts.contains = [...facts.contains, { item, min, max, at }];
  facts.minItems = Math.max(facts.minItems, min);
  if (facts.minItems > facts.maxItems) facts.types &= ~ARRAY;
}
