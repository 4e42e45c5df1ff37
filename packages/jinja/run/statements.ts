/** What statements do: they write, set names, and go through other statements. */
import type { Meter } from "../meter.ts";
import type { Body, ForStatement, Statement } from "../syntax/tree.ts";
import { bound } from "../values/arguments.ts";
import { isTrue } from "../values/compare.ts";
import { itemsOf } from "../values/iterate.ts";
import { str } from "../values/text.ts";
import type { Callable, Value } from "../values/values.ts";
import { argumentsOf, called, evaluate, filterBlock } from "./expressions.ts";
import { loopAt } from "./loop.ts";
import { macro } from "./macros.ts";
import { Output } from "./output.ts";
import { Scope } from "./scope.ts";

/** What ends a loop's body before its end. */
type Leap = "break" | "continue" | undefined;

type Site = { readonly scope: Scope; readonly output: Output; readonly meter: Meter };
type Kind = Statement["kind"];
type Of<K extends Kind, S = Statement> = S extends { kind: infer Kinds }
  ? K extends Kinds
    ? S
    : never
  : never;
type Runners = { readonly [K in Kind]: (statement: Of<K>, site: Site) => Leap };

export function runBody(body: Body, scope: Scope, output: Output, meter: Meter): Leap {
  return run(body, { scope, output, meter });
}

function run(body: Body, site: Site): Leap {
  for (const statement of body) {
    site.meter.step();
    const runner = RUNNERS[statement.kind] as (statement: Statement, site: Site) => Leap;
    const leap = runner(statement, site);
    if (leap !== undefined) return leap;
  }
  return undefined;
}

function nested(body: Body, site: Site): Leap {
  return site.meter.deeper(() => run(body, { ...site, scope: new Scope(site.scope) }));
}

function textOf(body: Body, { scope, meter }: Site): string {
  const output = new Output(meter);
  meter.deeper(() => run(body, { scope: new Scope(scope), output, meter }));
  return output.text;
}

const RUNNERS: Runners = {
  text: ({ text }, { output }) => {
    output.write(text);
    return undefined;
  },
  output: ({ value }, { scope, output, meter }) => {
    output.write(str(evaluate(value, scope, meter), meter));
    return undefined;
  },
  if: ({ branches, otherwise }, site) => {
    const { scope, meter } = site;
    const taken = branches.find(([test]) => isTrue(evaluate(test, scope, meter)));
    return meter.deeper(() => run(taken?.[1] ?? otherwise, site));
  },
  for: (statement, site) => {
    const { scope, output, meter } = site;
    loop(statement, evaluate(statement.of, scope, meter), 0, { scope, output, meter });
    return undefined;
  },
  set: ({ target, value }, { scope, meter }) => {
    scope.assign(target, evaluate(value, scope, meter));
    return undefined;
  },
  setBlock: ({ target, filter, body }, site) => {
    const { scope, meter } = site;
    const text = textOf(body, site);
    const value = filter === undefined ? text : filterBlock(filter, text, scope, meter);
    scope.assign(target, value);
    return undefined;
  },
  macro: (source, { scope }) => {
    scope.set(source.name, macro(source, scope, runBody));
    return undefined;
  },
  call: ({ call, parameters, body }, { scope, output, meter }) => {
    if (call.kind !== "call") return undefined;
    const caller = macro({ name: "caller", parameters, body }, scope, runBody);
    const given = argumentsOf(call.given, scope, meter);
    const named = new Map([...given.named, ["caller", caller as Value] as const]);
    const callee = evaluate(call.callee, scope, meter);
    output.write(str(called(callee, { ...given, named }, meter), meter));
    return undefined;
  },
  filterBlock: ({ filter, body }, site) => {
    const { scope, output, meter } = site;
    output.write(str(filterBlock(filter, textOf(body, site), scope, meter), meter));
    return undefined;
  },
  with: ({ values, body }, site) => {
    const scope = new Scope(site.scope);
    // What is given is worked out before any of its names is there.
    const given = values.map(([, value]) => evaluate(value, site.scope, site.meter));
    for (const [at, [target]] of values.entries()) scope.assign(target, given[at] as Value);
    return nested(body, { ...site, scope });
  },
  scope: ({ body }, site) => nested(body, site),
  break: () => "break",
  continue: () => "continue",
};

function loop(statement: ForStatement, of: Value, depth: number, site: Site): void {
  const { scope, output, meter } = site;
  const items = kept(statement, of, site);
  const { target, body, otherwise, isRecursive } = statement;
  const again: Callable["call"] = (given) => {
    const [inner = null] = bound(given, ["iterable"], "loop");
    const written = new Output(meter);
    loop(statement, inner, depth + 1, { scope, output: written, meter });
    return written.text;
  };
  const state = { items, depth, again: isRecursive ? again : undefined, seen: {} };
  for (const [index, item] of items.entries()) {
    const inner = new Scope(scope);
    inner.set("loop", loopAt(index, state));
    inner.assign(target, item);
    const leap = meter.deeper(() => run(body, { scope: inner, output, meter }));
    if (leap === "break") break;
  }
  if (items.length === 0) nested(otherwise, site);
}

function kept({ target, filter }: ForStatement, of: Value, { scope, meter }: Site) {
  const items = itemsOf(of);
  if (filter === undefined) return items;
  return items.filter((item) => {
    const inner = new Scope(scope);
    inner.assign(target, item);
    return isTrue(evaluate(filter, inner, meter));
  });
}
