/** Filters that take things out of lists, and put lists together. */
import { TemplateError } from "../template-error.ts";
import { integerArgument } from "../values/arguments.ts";
import { arithmetic } from "../values/arithmetic.ts";
import { pointAt, pointsOf } from "../values/code-points.ts";
import { equals, isTrue, order } from "../values/compare.ts";
import { itemsOf, sizeOf } from "../values/iterate.ts";
import { Dict, Stream, Tuple, typeName, Undefined, type Value } from "../values/values.ts";
import { caseless, type Filter, filter, getter } from "./filter.ts";
import { pairs } from "./methods.ts";
import { predicate } from "./tests.ts";

const length = filter("", (value) => {
  const size = sizeOf(value);
  if (size === undefined) throw new TemplateError(`a ${typeName(value)} has no length`);
  return BigInt(size);
});

const first = filter("", (value) => {
  const found = value instanceof Stream ? value.takeFirst() : itemsOf(value)[0];
  return found ?? (found === undefined ? new Undefined("there is no first item") : found);
});

const last = filter("", (value) => {
  if (value instanceof Stream) throw new TemplateError("what is walked through once has no end");
  const found = typeof value === "string" ? pointAt(value, -1) : itemsOf(value).at(-1);
  return found === undefined ? new Undefined("there is no last item") : found;
});

const reverse = filter("", (value) =>
  typeof value === "string"
    ? pointsOf(value).toReversed().join("")
    : new Stream(itemsOf(value).toReversed()),
);

const dictsort = filter(
  "case_sensitive? by? reverse?",
  (value, [caseSensitive = false, by = "key", reversed = false]) => {
    if (!(value instanceof Dict)) throw new TemplateError(`a ${typeName(value)} is no dict`);
    if (by !== "key" && by !== "value") throw new TemplateError("a dict is sorted by key or value");
    const at = by === "key" ? 0 : 1;
    const key = (pair: Tuple) => caseless(pair.items[at] as Value, isTrue(caseSensitive));
    return sorted(pairs(value), key, isTrue(reversed));
  },
);

const sort = filter(
  "reverse? case_sensitive? attribute?",
  (value, [reversed = false, caseSensitive = false, attribute = null]) => {
    const getters = attributesOf(attribute).map((one) => getter(one));
    const key = (item: Value) => {
      const keys = getters.map((get) => caseless(get(item), isTrue(caseSensitive)));
      return keys.length === 1 ? (keys[0] as Value) : keys;
    };
    return sorted(itemsOf(value), key, isTrue(reversed));
  },
);

function attributesOf(attribute: Value): readonly Value[] {
  return typeof attribute === "string" ? attribute.split(",") : [attribute];
}

/** Stable, also in reverse. */
function sorted<Item extends Value>(
  items: readonly Item[],
  key: (item: Item) => Value,
  reversed: boolean,
): Item[] {
  const keyed = items.map((item) => [key(item), item] as const);
  const sign = reversed ? -1 : 1;
  return keyed.toSorted(([a], [b]) => sign * order(a, b)).map(([, item]) => item);
}

const extreme = (sign: 1 | -1) =>
  filter("case_sensitive? attribute?", (value, [caseSensitive = false, attribute]) => {
    const key = (item: Value) => caseless(getter(attribute)(item), isTrue(caseSensitive));
    const [head, ...rest] = itemsOf(value);
    if (head === undefined) return new Undefined("an empty list has no least or greatest item");
    return rest.reduce(
      (best, item) => (sign * order(key(item), key(best)) > 0 ? item : best),
      head,
    );
  });

const sum = filter("attribute? start?", (value, [attribute, start = 0n], meter) =>
  itemsOf(value)
    .map(getter(attribute))
    .reduce((total, item) => arithmetic("+", total, item, meter), start),
);

const unique = filter("case_sensitive? attribute?", (value, [caseSensitive = false, attribute]) => {
  const key = (item: Value) => caseless(getter(attribute)(item), isTrue(caseSensitive));
  return new Stream(
    Dict.of(
      itemsOf(value)
        .toReversed()
        .map((item) => [key(item), item] as const),
    )
      .values()
      .toReversed(),
  );
});

const groupby = filter(
  "attribute default? case_sensitive?",
  (value, [attribute, otherwise, caseSensitive = false]) => {
    const get = getter(attribute, otherwise);
    const key = (item: Value) => caseless(get(item), isTrue(caseSensitive));
    const groups: Value[][] = [];
    for (const item of sorted(itemsOf(value), key, false)) {
      const group = groups.at(-1);
      if (group !== undefined && equals(key(group[0] as Value), key(item))) group.push(item);
      else groups.push([item]);
    }
    return groups.map((group) => new Tuple([get(group[0] as Value), group], ["grouper", "list"]));
  },
);

const batch = filter("linecount fill_with?", (value, [count, fill = null], meter) => {
  const size = integerArgument(count, "batch");
  meter.items(fill === null ? 0 : size);
  const batches: Value[][] = [];
  for (const item of itemsOf(value)) {
    const current = batches.at(-1);
    if (current !== undefined && current.length !== size) current.push(item);
    else batches.push([item]);
  }
  const rest = batches.at(-1);
  if (fill !== null && rest !== undefined) {
    rest.push(...Array.from({ length: Math.max(0, size - rest.length) }, () => fill));
  }
  return new Stream(batches);
});

const slice = filter("slices fill_with?", (value, [count, fill = null], meter) => {
  const items = itemsOf(value);
  const slices = integerArgument(count, "slice");
  if (slices === 0) throw new TemplateError("a list cannot be cut into 0 slices");
  meter.items(slices);
  const [each, more] = [Math.floor(items.length / slices), items.length % slices];
  const parts = Array.from({ length: Math.max(0, slices) }, (_, at) => {
    const start = at * each + Math.min(at, more);
    const part = items.slice(start, start + each + (at < more ? 1 : 0));
    return fill !== null && at >= more ? [...part, fill] : part;
  });
  return new Stream(parts);
});

const chosen = (wanted: boolean, byAttribute: boolean): Filter => {
  return (value, { positional }, meter) => {
    const [attribute, ...rest] = positional;
    // The reference does not look further: none has no items, but is let pass.
    if (!isTrue(value)) return new Stream([]);
    if (byAttribute && attribute === undefined) throw new TemplateError("an attribute is missing");
    const get = byAttribute ? getter(attribute) : (item: Value) => item;
    const test = predicate(byAttribute ? rest : positional, meter);
    return new Stream(itemsOf(value).filter((item) => test(get(item)) === wanted));
  };
};

export const LIST_FILTERS = {
  length,
  count: length,
  first,
  last,
  reverse,
  dictsort,
  sort,
  min: extreme(-1),
  max: extreme(1),
  sum,
  unique,
  groupby,
  batch,
  slice,
  select: chosen(true, false),
  reject: chosen(false, false),
  selectattr: chosen(true, true),
  rejectattr: chosen(false, true),
  list: filter("", (value) => [...itemsOf(value)]),
  items: filter("", (value) => {
    if (value instanceof Undefined) return new Stream([]);
    if (!(value instanceof Dict)) throw new TemplateError(`a ${typeName(value)} is no dict`);
    return new Stream(pairs(value));
  }),
} satisfies Readonly<Record<string, Filter>>;
