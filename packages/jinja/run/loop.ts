/** What `loop` is inside of a loop's body. */
import { TemplateError } from "../template-error.ts";
import { equals } from "../values/compare.ts";
import { Callable, Undefined, type Value } from "../values/values.ts";

type LoopState = {
  readonly items: readonly Value[];
  /** 0 for a loop that was not called from within itself. */
  readonly depth: number;
  /** Of a recursive loop: renders it for other items. */
  readonly again: Callable["call"] | undefined;
  /** What `loop.changed` saw last. */
  readonly seen: { last?: readonly Value[] };
};

export function loopAt(index: number, { items, depth, again, seen }: LoopState): Callable {
  const { length } = items;
  const neighbour = (at: number, which: string) =>
    items[at] ?? (at in items ? null : new Undefined(`there is no ${which} item`));
  const attributes = new Map<string, Value>([
    ["index", BigInt(index + 1)],
    ["index0", BigInt(index)],
    ["revindex", BigInt(length - index)],
    ["revindex0", BigInt(length - index - 1)],
    ["first", index === 0],
    ["last", index === length - 1],
    ["length", BigInt(length)],
    ["depth", BigInt(depth + 1)],
    ["depth0", BigInt(depth)],
    ["previtem", neighbour(index - 1, "previous")],
    ["nextitem", neighbour(index + 1, "next")],
    ["cycle", new Callable("cycle", ({ positional }) => cycled(positional, index))],
    ["changed", new Callable("changed", ({ positional }) => changed(positional, seen))],
  ]);
  return new Callable("loop", again ?? notRecursive, attributes);
}

function cycled(values: readonly Value[], index: number): Value {
  if (values.length === 0) throw new TemplateError("loop.cycle needs values");
  return values[index % values.length] as Value;
}

function changed(values: readonly Value[], seen: LoopState["seen"]): boolean {
  const { last } = seen;
  seen.last = values;
  return last === undefined || !equals(last, values);
}

function notRecursive(): never {
  throw new TemplateError("only a recursive loop can be called");
}
