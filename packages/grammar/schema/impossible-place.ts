/** Where a schema contradicts itself: for the message, since one that is impossible deep inside is so as a whole. */
import type { SchemaDocument, Subschema } from "./document.ts";
import { positive } from "./facts.ts";
import { countAt, keywordsOf, listAt, mapAt, namesAt, prefixAt, referencesAt } from "./keywords.ts";
import type { Schemas } from "./unfold.ts";

/** The innermost subschema that no value fits and that every instance needs; `at` itself where none is found. */
export function impossiblePlace(at: Subschema, schemas: Schemas): Subschema {
  const seen = new Set<number>();
  let place = at;
  for (;;) {
    seen.add(place.id);
    const inner = neededBy(place, schemas.document).find(
      (each) => !seen.has(each.id) && schemas.isImpossible([positive(each)]),
    );
    if (inner === undefined) return place;
    place = inner;
  }
}

function neededBy(at: Subschema, { child, resolve }: SchemaDocument): readonly Subschema[] {
  const keywords = keywordsOf(at);
  const properties = new Set(mapAt(at, "properties").map(([name]) => name));
  const members = namesAt(at, "required").filter((name) => properties.has(name));
  const { length, after } = prefixAt(at);
  const hasItems = (countAt(at, "minItems") ?? 0) > length && keywords[after] !== undefined;
  return [
    ...referencesAt(at).map(({ keyword, reference }) => resolve(at, reference, keyword)),
    ...members.map((name) => child(at, "properties", name)),
    ...(hasItems ? [child(at, after)] : []),
    ...(listAt(at, "allOf") ?? []).map((_, i) => child(at, "allOf", i)),
  ];
}
