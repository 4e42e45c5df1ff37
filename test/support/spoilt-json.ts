/**
 * JSON documents with one change that may make them invalid: what people and templates get wrong.
 */
import fc, { type Arbitrary } from "fast-check";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Path = readonly (string | number)[];

/** One place of `document`, replaced, removed, doubled or joined by something unknown. */
export function spoilt(document: Json): Arbitrary<Json> {
  const places = [...pathsOf(document)];
  return fc
    .tuple(fc.constantFrom(...places), arbitraryChange)
    .map(([path, change]) => replaced(document, path, change));
}

const REMOVED = Symbol("removed");
type Change = (value: Json) => Json | typeof REMOVED;

const odd: readonly Json[] = [
  null,
  true,
  0,
  1,
  -1,
  0.5,
  1e18,
  "",
  "0",
  "a",
  "A b",
  "../a",
  "https://host/model.gguf",
  "x".repeat(300),
  [],
  {},
  ["a"],
  { a: "b" },
];

const arbitraryChange: Arbitrary<Change> = fc.oneof(
  fc.constant<Change>(() => REMOVED),
  fc.constantFrom(...odd).map(
    (value): Change =>
      () =>
        value,
  ),
  fc.constant<Change>((value) => (Array.isArray(value) ? [...value, ...value] : value)),
  fc.constantFrom(...odd).map(
    (extra): Change =>
      (value) =>
        isMap(value) ? { ...value, unknown: extra } : value,
  ),
  fc.constantFrom(-1, 1, 1000).map(
    (by): Change =>
      (value) =>
        typeof value === "number" ? value + by : value,
  ),
  fc.constantFrom("\u0001", " ", "😀", "/", "\n", "-").map(
    (tail): Change =>
      (value) =>
        typeof value === "string" ? value + tail : value,
  ),
);

function* pathsOf(value: Json, path: Path = []): Generator<Path> {
  yield path;
  if (Array.isArray(value)) {
    for (const [index, child] of (value as readonly Json[]).entries())
      yield* pathsOf(child, [...path, index]);
  } else if (isMap(value)) {
    for (const [key, child] of Object.entries(value)) yield* pathsOf(child, [...path, key]);
  }
}

function replaced(value: Json, [head, ...tail]: Path, change: Change): Json {
  const changed = (child: Json): Json | typeof REMOVED =>
    tail.length === 0 ? change(child) : replaced(child, tail, change);
  if (head === undefined) {
    const whole = change(value);
    return whole === REMOVED ? {} : whole;
  }
  if (Array.isArray(value)) {
    return (value as readonly Json[]).flatMap((child, index) => {
      const kept = index === head ? changed(child) : child;
      return kept === REMOVED ? [] : [kept];
    });
  }
  const entries = Object.entries(value as { readonly [key: string]: Json }).flatMap(
    ([key, child]): [string, Json][] => {
      const kept = key === head ? changed(child) : child;
      return kept === REMOVED ? [] : [[key, kept]];
    },
  );
  return Object.fromEntries(entries);
}

function isMap(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
