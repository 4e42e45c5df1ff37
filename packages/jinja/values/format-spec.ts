/** Python's mini-language of formats: `>10`, `,.2f`, `05d`. */
import type { Meter } from "../meter.ts";
import { TemplateError } from "../template-error.ts";
import { lengthOf, pointsOf } from "./code-points.ts";
import { floatText, str } from "./text.ts";
import { isInteger, isNumeric, typeName, type Value } from "./values.ts";

type FormatSpec = {
  readonly fill: string;
  readonly align: string | undefined;
  readonly sign: string;
  readonly alternate: boolean;
  readonly width: number;
  readonly grouping: string;
  readonly precision: number | undefined;
  readonly type: string;
};

const SPEC =
  /^(?:(?<fill>.)?(?<align>[<>=^]))?(?<sign>[-+ ])?(?<alternate>#)?(?<zero>0)?(?<width>\d+)?(?<grouping>[,_])?(?:\.(?<precision>\d+))?(?<type>[a-zA-Z%])?$/su;

export function parseSpec(text: string): FormatSpec {
  const groups = SPEC.exec(text)?.groups;
  if (groups === undefined) throw new TemplateError(`'${text}' is no format`);
  const zero = groups["zero"] !== undefined;
  return {
    fill: groups["fill"] ?? (zero ? "0" : " "),
    align: groups["align"] ?? (zero ? "=" : undefined),
    sign: groups["sign"] ?? "-",
    alternate: groups["alternate"] !== undefined,
    width: Number(groups["width"] ?? 0),
    grouping: groups["grouping"] ?? "",
    precision: groups["precision"] === undefined ? undefined : Number(groups["precision"]),
    type: groups["type"] ?? "",
  };
}

export function formatValue(value: Value, spec: FormatSpec, meter: Meter): string {
  meter.characters(Math.max(spec.width, spec.precision ?? 0));
  const isNumber = isNumeric(value) && (typeof value !== "boolean" || spec.type !== "");
  if (isNumber) return padded(formatNumber(value, spec), spec, ">");
  if (spec.type !== "" && spec.type !== "s") {
    throw new TemplateError(`a ${typeName(value)} has no format '${spec.type}'`);
  }
  const text = str(value, meter);
  const { precision } = spec;
  const cut = precision === undefined ? text : pointsOf(text).slice(0, precision).join("");
  return padded({ sign: "", digits: cut }, spec, "<");
}

type SignedDigits = { readonly sign: string; readonly digits: string };

function padded({ sign, digits }: SignedDigits, spec: FormatSpec, usual: string): string {
  const missing = Math.max(0, spec.width - lengthOf(sign + digits));
  const fill = (count: number) => spec.fill.repeat(count);
  const align = spec.align ?? usual;
  if (align === "=") return sign + fill(missing) + digits;
  if (align === "<") return sign + digits + fill(missing);
  if (align === ">") return fill(missing) + sign + digits;
  const before = Math.floor(missing / 2);
  return fill(before) + sign + digits + fill(missing - before);
}

function formatNumber(value: bigint | number | boolean, spec: FormatSpec): SignedDigits {
  const negative = Number(value) < 0 || Object.is(value, -0);
  const sign = negative ? "-" : spec.sign.replace("-", "");
  const asInteger = isInteger(value) && !FLOAT_TYPES.has(spec.type);
  if (asInteger) return { sign, digits: integerDigits(BigInt(value), spec) };
  if (!isInteger(value) && RADIXES[spec.type] !== undefined) {
    throw new TemplateError(`a float has no format '${spec.type}'`);
  }
  const digits = floatDigits(Math.abs(Number(value)), spec);
  return { sign, digits: grouped(digits, spec.grouping) };
}

const FLOAT_TYPES = new Set(["e", "E", "f", "F", "g", "G", "%"]);

const RADIXES: Readonly<Record<string, number>> = { b: 2, d: 10, o: 8, x: 16, X: 16, c: 0 };

function integerDigits(value: bigint, { type, grouping, alternate }: FormatSpec): string {
  const size = value < 0n ? -value : value;
  if (type === "c") return String.fromCodePoint(Number(value));
  const radix = type === "" || type === "n" || type === "i" || type === "u" ? 10 : RADIXES[type];
  if (radix === undefined) throw new TemplateError(`an int has no format '${type}'`);
  const digits = size.toString(radix);
  const prefix = alternate && radix !== 10 ? `0${type}` : "";
  return prefix + grouped(type === "X" ? digits.toUpperCase() : digits, grouping);
}

function grouped(digits: string, grouping: string): string {
  if (grouping === "") return digits;
  const [whole = "", ...rest] = digits.split(".");
  return [whole.replaceAll(/\B(?=(?:\d{3})+$)/g, grouping), ...rest].join(".");
}

function floatDigits(value: number, { type, precision }: FormatSpec): string {
  if (!Number.isFinite(value)) return floatText(value);
  if (type === "") return precision === undefined ? floatText(value) : shortest(value, precision);
  const places = precision ?? 6;
  if (type === "f" || type === "F") return fixed(value, places);
  if (type === "%") return `${fixed(value * 100, places)}%`;
  if (type === "e" || type === "E") return cased(exponential(value, places), type);
  return cased(general(value, Math.max(1, places)), type);
}

/** Without a type: as `g`, but a float is seen to be one. */
function shortest(value: number, precision: number): string {
  const text = general(value, Math.max(1, precision));
  return /[.e]/.test(text) ? text : `${text}.0`;
}

function cased(text: string, type: string): string {
  return type === "E" || type === "G" ? text.toUpperCase() : text;
}

/** Correctly rounded, as C does it; toFixed is so too, up to 100 places and 1e21. */
export function fixed(value: number, precision: number): string {
  if (value >= 1e21) return `${BigInt(value)}${precision > 0 ? `.${"0".repeat(precision)}` : ""}`;
  const places = Math.min(100, precision);
  return value.toFixed(places) + "0".repeat(precision - places);
}

function exponential(value: number, precision: number): string {
  const [digits = "", power = ""] = value.toExponential(Math.min(100, precision)).split("e");
  return `${digits}e${power.slice(0, 1)}${power.slice(1).padStart(2, "0")}`;
}

function general(value: number, precision: number): string {
  const [digits = "", power = "0"] = value.toExponential(Math.min(100, precision) - 1).split("e");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= precision) {
    return `${trimmed(digits)}e${power.slice(0, 1)}${power.slice(1).padStart(2, "0")}`;
  }
  return trimmed(fixed(value, precision - 1 - exponent));
}

function trimmed(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
