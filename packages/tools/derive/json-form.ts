/** The form of calls whose arguments are JSON, from what a template writes of one call and of two. */
import type { CallForm, ObjectForm } from "../syntax/call-syntax.ts";
import { type FoundCall, foundJson } from "./found-call.ts";
import { EMPTY, FULL, PROBE_IDS, type WrittenProbes } from "./probe-calls.ts";
import { type Around, around } from "./several-calls.ts";

export type Described = Pick<Around, "begin" | "end" | "between"> & { readonly form: CallForm };

export function jsonSyntax({ full, two }: WrittenProbes): Described | undefined {
  const only = foundJson(full, FULL);
  if (only === undefined) return undefined;
  const lone = { ...only, before: withPlaceholders(only.before) };
  const first = two === undefined ? undefined : foundJson(two, FULL);
  const second = first === undefined ? undefined : foundJson(first.after, EMPTY);
  const found = around(lone, second && withPlaceholders(second.before));
  if (found === undefined) return undefined;
  const { before, after, ...rest } = found;
  const form = { before, between: withPlaceholders(lone.between), after };
  return { ...rest, form: objectForm(form) ?? namedForm(form) };
}

/** `{"name": "…", "arguments": …}` is read in whatever order a model writes it. */
function objectForm({ before, between, after }: FoundCall): ObjectForm | undefined {
  const [, outside, nameKey] = /^([^]*)\{\s*"(\w+)":\s*"$/.exec(before) ?? [];
  const [, argumentsKey] = /^",\s*"(\w+)":\s*$/.exec(between) ?? [];
  const [, behind] = /^\s*\}([^]*)$/.exec(after) ?? [];
  if (outside === undefined || nameKey === undefined) return undefined;
  if (argumentsKey === undefined || behind === undefined) return undefined;
  return { kind: "object", before: outside, after: behind, nameKey, argumentsKey };
}

function namedForm({ before, between, after }: FoundCall): CallForm {
  return { kind: "named", before, afterName: between, after };
}

/** A call's id, or its number. */
function withPlaceholders(text: string): string {
  const named = PROBE_IDS.reduce((all, id) => all.replace(id, "{id}"), text);
  return named.replace(/(?<=[:_#"])\d+(?!\w)/, "{n}");
}
