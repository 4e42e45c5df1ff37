/** What the keywords of objects say when they must hold. */
import { isArray } from "../json.ts";
import type { Subschema } from "./document.ts";
import { type Block, type Facts, OBJECT, type Term, positive } from "./facts.ts";
import { invalid, keywordsOf, mapAt, namesAt } from "./keywords.ts";
import { assertSize } from "./sizes.ts";
import { located } from "./string-languages.ts";
import type { Reading, Schemas } from "./unfold.ts";

/** After all that the document orders. */
export const LAST = [Infinity];

export function assertObject(at: Subschema, reading: Reading): void {
  const { facts, schemas } = reading;
  const keywords = keywordsOf(at);
  assertSize(at, "Properties", facts);
  const required = namesAt(at, "required");
  if ((facts.types & OBJECT) === 0) return;
  if (required.length > 0) facts.required = new Set([...facts.required, ...required]);
  const block = blockOf(at, reading);
  if (block !== undefined) facts.blocks = [...facts.blocks, block];
  if (keywords["propertyNames"] !== undefined) {
    facts.names = [...facts.names, [positive(schemas.document.child(at, "propertyNames"))]];
  }
  assertDependencies(at, reading);
  if (keywords["unevaluatedProperties"] !== undefined) {
    facts.unevaluated = [...facts.unevaluated, at];
  }
}

function blockOf(at: Subschema, { schemas, orderOf }: Reading): Block | undefined {
  const { child } = schemas.document;
  const names = mapAt(at, "properties");
  const patterns = mapAt(at, "patternProperties");
  const additional = keywordsOf(at)["additionalProperties"];
  if (names.length === 0 && patterns.length === 0 && additional === undefined) return undefined;
  return {
    from: at.id,
    order: orderOf("properties"),
    properties: new Map(names.map(([name]) => [name, [positive(child(at, "properties", name))]])),
    patterns: patterns.map(([source]) => [
      located(source, at, "patternProperties", schemas),
      [positive(child(at, "patternProperties", source))],
    ]),
    additional: additional === undefined ? [] : [positive(child(at, "additionalProperties"))],
  };
}

/** `dependentRequired`, `dependentSchemas`, and `dependencies`, which was both. */
function assertDependencies(at: Subschema, { choose, schemas, orderOf }: Reading): void {
  for (const keyword of ["dependencies", "dependentRequired", "dependentSchemas"]) {
    for (const [name, value] of mapAt(at, keyword)) {
      if (isArray(value)) {
        const names = value.map((each) => {
          if (typeof each !== "string") throw invalid(at, keyword, "lists of names");
          return each;
        });
        choose([forbid(name), { narrow: (facts) => requireNames(facts, [name, ...names]) }]);
      } else if (value !== true) {
        const terms: Term[] = [
          positive(schemas.document.child(at, keyword, name), orderOf(keyword)),
        ];
        choose([forbid(name), { terms, narrow: (facts) => requireNames(facts, [name]) }]);
      }
    }
  }

  function forbid(name: string) {
    return { narrow: (facts: Facts) => forbidName(facts, name, schemas) };
  }
}

/** The value has every one of the names; it is an object. */
export function requireNames(facts: Facts, names: readonly string[]): void {
  facts.types &= OBJECT;
  facts.required = new Set([...facts.required, ...names]);
}

/** The value has no member of this name; other types have none anyway. */
export function forbidName(facts: Facts, name: string, schemas: Schemas): void {
  if (facts.required.has(name)) facts.types &= ~OBJECT;
  facts.blocks = [
    ...facts.blocks,
    {
      order: LAST,
      properties: new Map([[name, [positive(schemas.document.never)]]]),
      patterns: [],
      additional: [],
    },
  ];
}
