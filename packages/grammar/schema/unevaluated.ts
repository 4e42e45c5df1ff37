/**
 * What `unevaluatedProperties` and `unevaluatedItems` say, once an alternative has decided which subschemas hold.
 *
 * They speak of what no keyword beside them looks at, those of subschemas included that hold for the same value. In one
 * alternative these are known: all that led from the keyword's own subschema to further ones. Another that happens to hold
 * too is left out, so that fewer values are allowed, never a wrong one.
 */
import { LAST } from "./assert-object.ts";
import type { Subschema } from "./document.ts";
import { ARRAY, type Block, type Facts, OBJECT, type Tuple, positive } from "./facts.ts";
import { keywordsOf } from "./keywords.ts";
import type { Schemas } from "./unfold.ts";

/** From a subschema that holds to one that it made hold, by their numbers. */
export type Step = readonly [from: number, to: number];

export function closeUnevaluated(facts: Facts, steps: readonly Step[], schemas: Schemas): void {
  for (const at of facts.unevaluated) {
    const inside = reachedFrom(at.id, steps, schemas);
    const holds = ({ from }: Block | Tuple) => from !== undefined && inside.has(from);
    const others = facts.unevaluated.filter((other) => other !== at && inside.has(other.id));
    closeMembers(at, { facts, others, blocks: facts.blocks.filter(holds) }, schemas);
    closeItems(at, { facts, others, tuples: facts.tuples.filter(holds) }, schemas);
  }
}

function reachedFrom(
  start: number,
  steps: readonly Step[],
  { budget }: Schemas,
): ReadonlySet<number> {
  const reached = new Set([start]);
  for (const place of reached) {
    budget.spend(Math.ceil(steps.length / 8));
    for (const [from, to] of steps) if (from === place) reached.add(to);
  }
  return reached;
}

type Around = { readonly facts: Facts; readonly others: readonly Subschema[] };

function closeMembers(
  at: Subschema,
  { facts, others, blocks }: Around & { readonly blocks: readonly Block[] },
  { document }: Schemas,
): void {
  if ((facts.types & OBJECT) === 0 || !says(at, "unevaluatedProperties")) return;
  // Whoever speaks of all other members has looked at every one.
  if (others.some((other) => says(other, "unevaluatedProperties"))) return;
  if (blocks.some(({ additional }) => additional.length > 0)) return;
  const names = blocks.flatMap(({ properties }) => [...properties.keys()]);
  const patterns = blocks.flatMap((block) => block.patterns.map(([pattern]) => pattern));
  facts.blocks = [
    ...facts.blocks,
    {
      order: LAST,
      properties: new Map(names.map((name) => [name, []])),
      patterns: patterns.map((pattern) => [pattern, []]),
      additional: [positive(document.child(at, "unevaluatedProperties"))],
    },
  ];
}

function closeItems(
  at: Subschema,
  { facts, others, tuples }: Around & { readonly tuples: readonly Tuple[] },
  { document }: Schemas,
): void {
  if ((facts.types & ARRAY) === 0 || !says(at, "unevaluatedItems")) return;
  if (others.some((other) => says(other, "unevaluatedItems"))) return;
  if (tuples.some(({ rest }) => rest.length > 0)) return;
  const places = Math.max(0, ...tuples.map(({ prefix }) => prefix.length));
  const rest = [positive(document.child(at, "unevaluatedItems"))];
  facts.tuples = [...facts.tuples, { prefix: Array.from({ length: places }, () => []), rest }];
}

function says(at: Subschema, keyword: string): boolean {
  return keywordsOf(at)[keyword] !== undefined;
}
