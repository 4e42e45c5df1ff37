/**
 * Members that break a subschema which does not name them: those of another subschema that holds at the same time.
 *
 * So of two objects that name different members one can be told from the other. Members that nobody names break it too;
 * of these none is offered.
 */
import { LAST, requireNames } from "./assert-object.ts";
import type { Subschema } from "./document.ts";
import { type Conjunction, type Facts, negative } from "./facts.ts";
import { matches } from "./inside.ts";
import { keywordsOf, mapAt } from "./keywords.ts";
import { located } from "./string-languages.ts";
import type { Option, Schemas } from "./unfold.ts";

export function strangersThatBreak(
  at: Subschema,
  facts: Facts,
  schemas: Schemas,
): readonly Option[] {
  const named = new Set(mapAt(at, "properties").map(([name]) => name));
  const others = new Set([
    ...facts.blocks.flatMap(({ properties }) => [...properties.keys()]),
    ...facts.required,
  ]);
  return [...others]
    .filter((name) => !named.has(name))
    .flatMap((name) => breaches(at, name, schemas).map((wrong) => memberThatIs(name, wrong)));
}

/** The ways in which a member of this name breaks what is said of members without a name. */
function breaches(at: Subschema, name: string, schemas: Schemas): readonly Conjunction[] {
  const { child } = schemas.document;
  const matching = mapAt(at, "patternProperties").filter(([source]) =>
    matches(located(source, at, "patternProperties", schemas), name, schemas),
  );
  if (matching.length > 0)
    return matching.map(([source]) => [negative(child(at, "patternProperties", source))]);
  const isFree = keywordsOf(at)["additionalProperties"] === undefined;
  return isFree ? [] : [[negative(child(at, "additionalProperties"))]];
}

function memberThatIs(name: string, wrong: Conjunction): Option {
  return {
    narrow: (facts) => {
      requireNames(facts, [name]);
      facts.blocks = [
        ...facts.blocks,
        { order: LAST, properties: new Map([[name, wrong]]), patterns: [], additional: [] },
      ];
    },
  };
}
