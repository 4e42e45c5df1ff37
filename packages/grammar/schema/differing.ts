/**
 * How a value can be another array or object than one that is listed: longer, shorter, or with a part that differs.
 *
 * Each way is an option. Of many listed values all ways are combined, so only few and small ones are taken apart.
 */
import { type Json, type JsonObject, isArray, isObject } from "../json.ts";
import { LAST, forbidName, requireNames } from "./assert-object.ts";
import { ARRAY, type Facts, OBJECT, negative, typeOf } from "./facts.ts";
import type { Option, Schemas } from "./unfold.ts";

/** Ways of all listed values of a type, combined. */
const WAYS_MAX = 32;

/** Values of one type, ARRAY or OBJECT, that are none of these; undefined where there are too many ways to be another. */
export function othersOfType(
  type: number,
  listed: readonly Json[],
  schemas: Schemas,
): readonly Option[] | undefined {
  const values = listed.filter((value) => typeOf(value) === type);
  const ways = values.reduce<number>((product, value) => product * waysToDiffer(value), 1);
  if (ways > WAYS_MAX) return undefined;
  const [only, another] = values;
  if (only !== undefined && another === undefined) return different(only, schemas);
  const terms = values.map((value) => negative(schemas.document.constant(value)));
  return [{ terms, narrow: (facts) => void (facts.types &= type) }];
}

function waysToDiffer(value: Json): number {
  if (isArray(value)) return value.length + 2;
  return isObject(value) ? 2 * Object.keys(value).length + 1 : 1;
}

function different(value: Json, schemas: Schemas): readonly Option[] {
  if (isArray(value)) return differentArray(value, schemas);
  return isObject(value) ? differentObject(value, schemas) : [];
}

function differentArray(items: readonly Json[], { document }: Schemas): readonly Option[] {
  const { length } = items;
  const options = [
    arrayWith((facts) => void (facts.minItems = Math.max(facts.minItems, length + 1))),
  ];
  if (length > 0) {
    options.push(
      arrayWith((facts) => void (facts.maxItems = Math.min(facts.maxItems, length - 1))),
    );
  }
  items.forEach((item, i) => {
    const heads = Array.from({ length: i }, () => []);
    const prefix = [...heads, [negative(document.constant(item))]];
    options.push(
      arrayWith((facts) => {
        facts.minItems = Math.max(facts.minItems, i + 1);
        facts.tuples = [...facts.tuples, { prefix, rest: [] }];
      }),
    );
  });
  return options;
}

function arrayWith(narrow: (facts: Facts) => void): Option {
  return {
    narrow: (facts) => {
      facts.types &= ARRAY;
      narrow(facts);
      if (facts.minItems > facts.maxItems) facts.types = 0;
    },
  };
}

function differentObject(value: JsonObject, schemas: Schemas): readonly Option[] {
  const members = Object.entries(value);
  const larger: Option = {
    narrow: (facts) => {
      facts.types &= OBJECT;
      facts.minProperties = Math.max(facts.minProperties, 1);
      // Members of any names cannot be counted, only that there is one.
      facts.unsayable ||= members.length > 0;
      if (facts.minProperties > facts.maxProperties) facts.types = 0;
    },
  };
  return [larger, ...members.flatMap(([name, member]) => differentMember(name, member, schemas))];
}

function differentMember(name: string, member: Json, schemas: Schemas): readonly Option[] {
  const wrong = [negative(schemas.document.constant(member))];
  const block = { order: LAST, properties: new Map([[name, wrong]]), patterns: [], additional: [] };
  return [
    {
      narrow: (facts) => {
        facts.types &= OBJECT;
        forbidName(facts, name, schemas);
      },
    },
    {
      narrow: (facts) => {
        requireNames(facts, [name]);
        facts.blocks = [...facts.blocks, block];
      },
    },
  ];
}
