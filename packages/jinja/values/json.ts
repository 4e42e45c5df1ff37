/** Values as JSON, written as Python's `json.dumps` does. */
import type { Meter } from "../meter.ts";
import { TemplateError } from "../template-error.ts";
import { floatText } from "./text.ts";
import { Dict, isList, Stream, Tuple, typeName, type Value } from "./values.ts";

export type JsonStyle = {
  readonly ensureAscii: boolean;
  /** Of one level; absent writes all in one line. */
  readonly indent?: string;
  readonly itemSeparator: string;
  readonly keySeparator: string;
  readonly sortKeys: boolean;
};

export function jsonText(value: Value, style: JsonStyle, meter: Meter): string {
  const written = write(value, "\n", style, meter);
  meter.characters(written.length);
  return written;
}

function write(value: Value, line: string, style: JsonStyle, meter: Meter): string {
  meter.step();
  if (value === null) return "null";
  if (typeof value === "string") return jsonString(value, style);
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "number") return jsonFloat(value);
  return meter.deeper(() => {
    if (isList(value)) return list(value, line, style, meter);
    if (value instanceof Tuple) return list(value.items, line, style, meter);
    // The reference does not write these, but some templates hope so.
    if (value instanceof Stream) return list(value.take(), line, style, meter);
    if (value instanceof Dict) return object(value, line, style, meter);
    throw new TemplateError(`a value of type ${typeName(value)} cannot be written as JSON`);
  });
}

function list(items: readonly Value[], line: string, style: JsonStyle, meter: Meter): string {
  const inner = line + (style.indent ?? "");
  return enclosed(
    "[]",
    items.map((item) => write(item, inner, style, meter)),
    line,
    style,
  );
}

function object(dict: Dict, line: string, style: JsonStyle, meter: Meter): string {
  const inner = line + (style.indent ?? "");
  const entries = dict.entries().map(([key, value]) => [keyText(key), value] as const);
  const sorted = style.sortKeys ? entries.toSorted(([a], [b]) => (a < b ? -1 : 1)) : entries;
  const written = sorted.map(
    ([key, value]) =>
      jsonString(key, style) + style.keySeparator + write(value, inner, style, meter),
  );
  return enclosed("{}", written, line, style);
}

function enclosed(
  [open = "", close = ""]: string,
  parts: readonly string[],
  line: string,
  { indent, itemSeparator }: JsonStyle,
): string {
  if (parts.length === 0) return open + close;
  if (indent === undefined) return open + parts.join(itemSeparator) + close;
  const inner = line + indent;
  return open + inner + parts.join(itemSeparator + inner) + line + close;
}

function keyText(key: Value): string {
  if (typeof key === "string") return key;
  if (key === null) return "null";
  if (typeof key === "number") return jsonFloat(key);
  if (typeof key === "boolean" || typeof key === "bigint") return String(key);
  throw new TemplateError(`a key of type ${typeName(key)} cannot be written as JSON`);
}

function jsonFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  return floatText(value);
}

function jsonString(text: string, { ensureAscii }: JsonStyle): string {
  const escaped = text.replaceAll(/["\\\p{Cc}]/gu, (character) =>
    // Of the control characters, JSON leaves those behind the space as they are.
    JSON.stringify(character).slice(1, -1),
  );
  return `"${ensureAscii ? escaped.replaceAll(/[\u0080-\uFFFF]/g, codeUnit) : escaped}"`;
}

function codeUnit(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
