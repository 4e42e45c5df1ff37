/** Macros: bodies with parameters, which see the names that are around them. */
import { Output } from "./output.ts";
import { Scope } from "./scope.ts";
import type { Meter } from "../meter.ts";
import type { Body, Parameter } from "../syntax/tree.ts";
import { TemplateError } from "../template-error.ts";
import { type Arguments, Callable, Dict, Tuple, Undefined, type Value } from "../values/values.ts";
import { evaluate } from "./expressions.ts";

type MacroSource = {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly body: Body;
};

type RunBody = (body: Body, scope: Scope, output: Output, meter: Meter) => unknown;

export function macro(source: MacroSource, around: Scope, run: RunBody): Callable {
  const takes = {
    varargs: mentions(source.body, "varargs"),
    kwargs: mentions(source.body, "kwargs"),
    caller: mentions(source.body, "caller"),
  };
  return new Callable(source.name, (given, meter) => {
    const scope = new Scope(around);
    bindExtras(source, given, takes, scope);
    bindParameters(source, given, scope, meter);
    const output = new Output(meter);
    run(source.body, scope, output, meter);
    return output.text;
  });
}

function bindParameters(
  { parameters }: MacroSource,
  { positional, named }: Arguments,
  scope: Scope,
  meter: Meter,
): void {
  for (const [at, { name, default: preset }] of parameters.entries()) {
    const value = at < positional.length ? positional[at] : named.get(name);
    if (value !== undefined) scope.set(name, value);
    else if (preset === undefined) {
      scope.set(name, new Undefined(`parameter '${name}' was not provided`));
    } else scope.set(name, evaluate(preset, scope, meter));
  }
}

type Takes = Readonly<Record<"varargs" | "kwargs" | "caller", boolean>>;

function bindExtras(
  { name, parameters }: MacroSource,
  { positional, named }: Arguments,
  takes: Takes,
  scope: Scope,
): void {
  const names = parameters.map((parameter) => parameter.name);
  const own = new Set(names);
  const rest = new Map<string, Value>([...named].filter(([key]) => !own.has(key)));
  const twice = names.slice(0, positional.length).find((key) => named.has(key));
  if (twice !== undefined) throw new TemplateError(`${name}() got '${twice}' twice`);
  if (takes.caller && !own.has("caller")) {
    scope.set("caller", rest.get("caller") ?? new Undefined("No caller defined"));
    rest.delete("caller");
  }
  const [unknown] = rest.keys();
  if (takes.kwargs) scope.set("kwargs", Dict.of(rest));
  else if (unknown !== undefined) throw new TemplateError(`${name}() knows no '${unknown}'`);
  const more = positional.slice(names.length);
  if (takes.varargs) scope.set("varargs", new Tuple(more));
  else if (more.length > 0) {
    throw new TemplateError(`${name}() takes ${names.length} values, not ${positional.length}`);
  }
}

/** Whether the name occurs in a part of a template: what a macro takes follows from what it uses. */
function mentions(node: unknown, name: string): boolean {
  if (typeof node !== "object" || node === null) return false;
  const { kind, name: own } = node as { readonly kind?: unknown; readonly name?: unknown };
  if (kind === "name" && own === name) return true;
  return Object.values(node).some((inner) => mentions(inner, name));
}
