/** `"%s is %d" % (a, b)`: Python's older way of formatting. */
import type { Meter } from "../meter.ts";
import { TemplateError } from "../template-error.ts";
import { formatValue, parseSpec } from "./format-spec.ts";
import { repr, str } from "./text.ts";
import { Dict, isNumeric, Tuple, typeName, type Value } from "./values.ts";

const DIRECTIVE =
  /%(?:\((?<key>[^)]*)\))?(?<flags>[-+ 0#]*)(?<width>\*|\d+)?(?:\.(?<precision>\*|\d+))?[hlL]?(?<type>.)?/gsu;

export function printf(format: string, given: Value, meter: Meter): string {
  const values = given instanceof Tuple ? [...given.items] : [given];
  const next = () => {
    const value = values.shift();
    if (value === undefined) throw new TemplateError("a format asks for more values than it got");
    return value;
  };
  let keyed = false;
  const text = format.replaceAll(DIRECTIVE, (...match: unknown[]) => {
    const groups = match.at(-1) as Readonly<Record<string, string | undefined>>;
    const { key, type = "", flags = "" } = groups;
    if (type === "%") return "%";
    keyed ||= key !== undefined;
    const size = (asked = "") => (asked === "*" ? str(next(), meter) : asked);
    const [width, precision] = [size(groups["width"]), size(groups["precision"])];
    const value = key === undefined ? next() : valueAt(given, key);
    return directive(value, { type, flags, width, precision }, meter);
  });
  const unused = values.length > 0 && !keyed && !(given instanceof Dict);
  if (unused) throw new TemplateError("a format got more values than it asks for");
  meter.characters(text.length);
  return text;
}

function valueAt(given: Value, key: string): Value {
  const value = given instanceof Dict ? given.get(key) : undefined;
  if (value === undefined)
    throw new TemplateError(`a format asks for '${key}', which is not there`);
  return value;
}

type Directive = Readonly<Record<"type" | "flags" | "width" | "precision", string>>;

function directive(value: Value, given: Directive, meter: Meter) {
  const { type, flags, width, precision } = given;
  const places = precision && `.${precision}`;
  const side = flags.includes("-") ? "<" : ">";
  if (TEXT_TYPES.has(type)) {
    const text = type === "s" ? str(value, meter) : repr(value, meter);
    return formatValue(text, parseSpec(`${side}${width}${places}`), meter);
  }
  if (type === "c" && typeof value === "string") return value;
  if (!isNumeric(value)) {
    throw new TemplateError(`%${type} asks for a number, not ${typeName(value)}`);
  }
  const spec = numberSpec(flags, side) + width;
  if (INTEGER_TYPES.has(type)) {
    return formatValue(whole(value), parseSpec(spec + type.replace(/[iu]/, "d")), meter);
  }
  if (!FLOAT_TYPES.has(type)) throw new TemplateError(`'%${type}' is no format`);
  return formatValue(value, parseSpec(spec + places + type), meter);
}

function numberSpec(flags: string, side: "<" | ">"): string {
  const [sign = ""] = /[+ ]/.exec(flags) ?? [];
  const fill = flags.includes("0") && side === ">" ? "0=" : side;
  return fill + sign + (flags.includes("#") ? "#" : "");
}

function whole(value: bigint | number | boolean): bigint {
  if (typeof value !== "number") return BigInt(value);
  if (!Number.isFinite(value)) throw new TemplateError(`${value} is no whole number`);
  return BigInt(Math.trunc(value));
}

const TEXT_TYPES = new Set(["s", "r", "a"]);
const INTEGER_TYPES = new Set(["d", "i", "u", "x", "X", "o", "c"]);
const FLOAT_TYPES = new Set(["e", "E", "f", "F", "g", "G"]);
