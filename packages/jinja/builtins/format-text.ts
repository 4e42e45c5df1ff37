/** `"{} is {name!r:>10}".format(a, name=b)`. */
import type { Meter } from "../meter.ts";
import { TemplateError } from "../template-error.ts";
import { formatValue, parseSpec } from "../values/format-spec.ts";
import { repr, str } from "../values/text.ts";
import { type Arguments, Dict, isList, Tuple, type Value } from "../values/values.ts";

const PIECE =
  /\{\{|\}\}|\{(?<field>[^{}!:]*)(?:!(?<conversion>[rsa]))?(?::(?<spec>(?:[^{}]|\{[^{}]*\})*))?\}|[{}]/g;

export function formatText(format: string, given: Arguments, meter: Meter): string {
  let position = 0;
  const numbered = (field: string) => (/^(?:$|[.[])/.test(field) ? `${position++}${field}` : field);
  const filled = (text: string): string =>
    text.replaceAll(PIECE, (...match: unknown[]) => {
      const [piece] = match as [string];
      if (piece === "{{" || piece === "}}") return piece.slice(1);
      const groups = match.at(-1) as Readonly<Record<string, string | undefined>>;
      if (groups["field"] === undefined) throw new TemplateError(`a lone '${piece}' in a format`);
      const value = fieldOf(numbered(groups["field"]), given);
      const spec = filled(groups["spec"] ?? "");
      const shown = converted(value, groups["conversion"], meter);
      return formatValue(shown, parseSpec(spec), meter);
    });
  const text = filled(format);
  meter.characters(text.length);
  return text;
}

function converted(value: Value, conversion: string | undefined, meter: Meter): Value {
  if (conversion === undefined) return value;
  return conversion === "s" ? str(value, meter) : repr(value, meter);
}

function fieldOf(field: string, { positional, named }: Arguments): Value {
  const [name = "", ...path] = field.split(/[.[]/).map((part) => part.replace("]", ""));
  const start = /^\d+$/.test(name) ? positional[Number(name)] : named.get(name);
  let value: Value | undefined = start;
  for (const key of path) value = value === undefined ? undefined : inner(value, key);
  if (value === undefined)
    throw new TemplateError(`a format asks for '${field}', which is not there`);
  return value;
}

function inner(value: Value, key: string): Value | undefined {
  if (value instanceof Dict) return value.get(key);
  if (isList(value)) return value[Number(key)];
  return value instanceof Tuple ? value.items[Number(key)] : undefined;
}
