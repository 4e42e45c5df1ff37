/**
 * Values as a template sees them: Python's, since templates are written for it.
 *
 * An integer is a bigint and a float a number, so that `1` and `1.0` stay apart. A list is an array, a text a string.
 */
import type { Meter } from "../meter.ts";
import { TemplateError } from "../template-error.ts";

export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | readonly Value[]
  | Tuple
  | Dict
  | View
  | Stream
  | Namespace
  | Callable
  | Undefined;

/** What a name or a key stands for that is not there. It prints as nothing; most of what is done with it fails. */
export class Undefined {
  /** Why there is nothing: what an error says. */
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

export class Tuple {
  readonly items: readonly Value[];
  /** Of a named tuple. */
  readonly names: readonly string[];
  constructor(items: readonly Value[], names: readonly string[] = []) {
    this.items = items;
    this.names = names;
  }
}

/** The keys, values or items of a dict: they can be counted and walked through, not indexed. */
export class View {
  readonly kind: "keys" | "values" | "items";
  readonly items: readonly Value[];
  constructor(kind: View["kind"], items: readonly Value[]) {
    this.kind = kind;
    this.items = items;
  }
}

/** What filters such as `map` make: it can be walked through once, and knows no length. */
export class Stream {
  #items: readonly Value[];
  constructor(items: readonly Value[]) {
    this.#items = items;
  }

  take(): readonly Value[] {
    const items = this.#items;
    this.#items = [];
    return items;
  }

  /** What `next` gives. */
  takeFirst(): Value | undefined {
    const [first, ...rest] = this.#items;
    this.#items = rest;
    return first;
  }
}

/** What `namespace()` makes: the one thing that a template can change from within a loop. */
export class Namespace {
  readonly attributes = new Map<string, Value>();
}

export type Arguments = {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
};

export class Callable {
  readonly name: string;
  readonly call: (given: Arguments, meter: Meter) => Value;
  /** What it has beside being callable: `loop.index` and the like. */
  readonly attributes: ReadonlyMap<string, Value>;
  constructor(
    name: string,
    call: Callable["call"],
    attributes: ReadonlyMap<string, Value> = new Map(),
  ) {
    this.name = name;
    this.call = call;
    this.attributes = attributes;
  }
}

type Key = string | bigint | number | null;

/** Keys that are equal are one, as 1, 1.0 and true are. The first spelling stays. */
export class Dict {
  readonly #entries = new Map<Key | symbol, readonly [Value, Value]>();

  static of(entries: Iterable<readonly [Value, Value]>): Dict {
    const dict = new Dict();
    for (const [key, value] of entries) dict.#set(key, value);
    return dict;
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(keyOf(key))?.[1];
  }

  has(key: Value): boolean {
    return this.#entries.has(keyOf(key));
  }

  get size(): number {
    return this.#entries.size;
  }

  entries(): readonly (readonly [Value, Value])[] {
    return [...this.#entries.values()];
  }

  keys(): readonly Value[] {
    return this.entries().map(([key]) => key);
  }

  values(): readonly Value[] {
    return this.entries().map(([, value]) => value);
  }

  #set(key: Value, value: Value): void {
    const stored = keyOf(key);
    const [spelling] = this.#entries.get(stored) ?? [key];
    this.#entries.set(stored, [spelling, value]);
  }
}

/** Throws for what cannot be a key. */
function keyOf(key: Value): Key | symbol {
  if (typeof key === "string") return `s${key}`;
  if (typeof key === "boolean") return BigInt(key);
  if (typeof key === "number") return Number.isInteger(key) ? BigInt(key) : key;
  if (key === null || typeof key === "bigint") return key;
  if (key instanceof Tuple) return `t${key.items.map((item) => String(keyOf(item))).join("\0")}`;
  if (Array.isArray(key) || key instanceof Dict) {
    throw new TemplateError(`a ${typeName(key)} cannot be a key`);
  }
  return identity(key);
}

const identities = new WeakMap<object, symbol>();

function identity(key: object): symbol {
  const known = identities.get(key) ?? Symbol("key");
  identities.set(key, known);
  return known;
}

/** As Python calls it. */
export function typeName(value: Value): string {
  if (value === null) return "NoneType";
  if (typeof value !== "object") return NAMES[typeof value] ?? typeof value;
  if (Array.isArray(value)) return "list";
  const named = CLASSES.find(([of]) => value instanceof of);
  if (value instanceof View) return `dict_${value.kind}`;
  return named?.[1] ?? "object";
}

const NAMES: Readonly<Record<string, string>> = {
  string: "str",
  boolean: "bool",
  bigint: "int",
  number: "float",
};

const CLASSES = [
  [Tuple, "tuple"],
  [Dict, "dict"],
  [Stream, "generator"],
  [Namespace, "Namespace"],
  [Callable, "function"],
  [Undefined, "Undefined"],
] as const;

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isNumeric(value: Value): value is bigint | number | boolean {
  return typeof value === "bigint" || typeof value === "number" || typeof value === "boolean";
}

export function isInteger(value: Value): value is bigint | boolean {
  return typeof value === "bigint" || typeof value === "boolean";
}
