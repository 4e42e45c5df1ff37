/** All filters by name. */
import { TemplateError } from "../template-error.ts";
import { isTrue } from "../values/compare.ts";
import { itemsOf } from "../values/iterate.ts";
import { Stream, typeName, Undefined, type Value } from "../values/values.ts";
import { ownAttribute } from "./access.ts";
import { type Filter, filter, getter } from "./filter.ts";
import { LIST_FILTERS } from "./list-filters.ts";
import { NUMBER_FILTERS } from "./number-filters.ts";
import { TEXT_FILTERS } from "./text-filters.ts";

const preset = filter("default_value? boolean?", (value, [otherwise = "", orFalse = false]) =>
  value instanceof Undefined || (isTrue(orFalse) && !isTrue(value)) ? otherwise : value,
);

const map: Filter = (value, { positional, named }, meter) => {
  const [name, ...rest] = positional;
  // The reference does not look further: none has no items, but is let pass.
  if (!isTrue(value)) return new Stream([]);
  if (name === undefined && named.has("attribute")) {
    return new Stream(itemsOf(value).map(getter(named.get("attribute"), named.get("default"))));
  }
  if (typeof name !== "string")
    throw new TemplateError("map takes a filter's name or an attribute");
  const apply = filterNamed(name);
  const given = { positional: rest, named };
  return new Stream(itemsOf(value).map((item) => apply(item, given, meter)));
};

const attr = filter("name", (value, [name = null]) => {
  const found: Value | undefined = typeof name === "string" ? ownAttribute(value, name) : undefined;
  return found === undefined ? new Undefined(`a ${typeName(value)} has no such attribute`) : found;
});

const FILTERS: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ...Object.entries({ ...TEXT_FILTERS, ...LIST_FILTERS, ...NUMBER_FILTERS }),
  ["default", preset],
  ["d", preset],
  ["map", map],
  ["attr", attr],
]);

export function isFilter(name: string): boolean {
  return FILTERS.has(name);
}

export function filterNamed(name: string): Filter {
  const found = FILTERS.get(name);
  if (found === undefined) throw new TemplateError(`there is no filter '${name}'`);
  return found;
}
