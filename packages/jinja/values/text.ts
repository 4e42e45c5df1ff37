/** Values as text: Python's `str` and `repr`. */
import type { Meter } from "../meter.ts";
import {
  Callable,
  Dict,
  isList,
  Namespace,
  Stream,
  Tuple,
  typeName,
  Undefined,
  type Value,
  View,
} from "./values.ts";

export function str(value: Value, meter: Meter): string {
  if (typeof value === "string") return value;
  if (value instanceof Undefined) return "";
  return repr(value, meter);
}

export function repr(value: Value, meter: Meter): string {
  const text = meter.deeper(() => represented(value, meter));
  meter.characters(text.length);
  return text;
}

function represented(value: Value, meter: Meter): string {
  meter.step();
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") return floatText(value);
  if (typeof value === "string") return quoted(value);
  return compound(value, meter);
}

function compound(value: Exclude<Value, string | number | bigint | boolean | null>, meter: Meter) {
  const all = (items: readonly Value[]) => joined(items.map((item) => repr(item, meter)));
  if (isList(value)) return `[${all(value)}]`;
  if (value instanceof Tuple) return `(${all(value.items)}${value.items.length === 1 ? "," : ""})`;
  if (value instanceof Dict) {
    const entry = ([key, of]: readonly [Value, Value]) => `${repr(key, meter)}: ${repr(of, meter)}`;
    return `{${joined(value.entries().map(entry))}}`;
  }
  if (value instanceof View) return `dict_${value.kind}([${all(value.items)}])`;
  if (value instanceof Namespace) {
    return `<Namespace ${repr(Dict.of(value.attributes), meter)}>`;
  }
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof Stream) return "<generator object>";
  return `<${typeName(value)} ${value instanceof Callable ? value.name : ""}>`;
}

function joined(texts: readonly string[]): string {
  return texts.join(", ");
}

export function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const [digits = "", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power < -4 || power >= 16) {
    const sign = power < 0 ? "-" : "+";
    return `${digits}e${sign}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  const plain = power < 0 ? value.toFixed(decimalsOf(digits) - power) : String(value);
  return plain.includes(".") ? plain : `${plain}.0`;
}

function decimalsOf(digits: string): number {
  return digits.split(".")[1]?.length ?? 0;
}

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replaceAll(UNPRINTABLE, (character) => {
    if (character === "'" || character === '"')
      return character === quote ? `\\${quote}` : character;
    return ESCAPES[character] ?? numbered(character.codePointAt(0) ?? 0);
  });
  return quote + escaped + quote;
}

function numbered(code: number): string {
  const hex = (digits: number) => code.toString(16).padStart(digits, "0");
  if (code < 0x1_00) return `\\x${hex(2)}`;
  return code < 0x1_00_00 ? `\\u${hex(4)}` : `\\U${hex(8)}`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/**
 * What `repr` does not leave as it is. Private-use characters stay, against Python's way: callers mark with them what
 * they look for in the output.
 */
const UNPRINTABLE = /['"\\\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;
