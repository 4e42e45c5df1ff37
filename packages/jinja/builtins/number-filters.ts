/** Filters that make numbers. */
import { TemplateError } from "../template-error.ts";
import { integerArgument } from "../values/arguments.ts";
import { fixed } from "../values/format-spec.ts";
import { isInteger, isNumeric, typeName, Undefined, type Value } from "../values/values.ts";
import { type Filter, filter } from "./filter.ts";

function numberOf(value: Value): bigint | number {
  if (!isNumeric(value)) throw new TemplateError(`a ${typeName(value)} is no number`);
  return typeof value === "boolean" ? BigInt(value) : value;
}

const abs = filter("", (value) => {
  const number = numberOf(value);
  return number < 0 ? -number : number;
});

const round = filter("precision? method?", (value, [precision = 0n, method = "common"]) => {
  const number = numberOf(value);
  const places = integerArgument(precision, "round");
  if (method === "common") return typeof number === "bigint" ? number : rounded(number, places);
  const up = method === "ceil";
  if (!up && method !== "floor") throw new TemplateError("round knows common, ceil and floor");
  const scale = 10 ** places;
  const scaled = Number(number) * scale;
  return (up ? Math.ceil(scaled) : Math.floor(scaled)) / scale;
});

function rounded(value: number, places: number): number {
  const sign = value < 0 ? -1 : 1;
  if (places >= 0) return sign * Number(fixed(Math.abs(value), Math.min(places, 100)));
  const scale = 10 ** -places;
  return sign * Number(fixed(Math.abs(value) / scale, 0)) * scale;
}

const FLOAT = /^\s*[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:e[-+]?\d+)?\s*$/iu;
const SPECIAL: ReadonlyMap<string, number> = new Map([
  ["inf", Infinity],
  ["infinity", Infinity],
  ["-inf", -Infinity],
  ["nan", Number.NaN],
]);

function parsedFloat(value: Value): number | undefined {
  if (isNumeric(value)) return Number(value);
  if (typeof value !== "string") return undefined;
  if (FLOAT.test(value)) return Number(value.replaceAll("_", ""));
  return SPECIAL.get(value.trim().toLowerCase());
}

function parsedInteger(text: string, base: number): bigint | undefined {
  const [, sign = "", digits = ""] = /^\s*([-+]?)(?:0[xob])?([\da-z_]+)\s*$/iu.exec(text) ?? [];
  const plain = digits.replaceAll("_", "").toLowerCase();
  const allowed = DIGITS.slice(0, base);
  if (plain === "" || Array.from(plain).some((digit) => !allowed.includes(digit))) return undefined;
  if (base === 10 && /0[xob]/iu.test(text)) return undefined;
  let number = 0n;
  for (const digit of plain) number = number * BigInt(base) + BigInt(DIGITS.indexOf(digit));
  return sign === "-" ? -number : number;
}

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz";

const int = filter("default? base?", (value, [otherwise = 0n, base = 10n]) => {
  if (value instanceof Undefined) throw new TemplateError(value.reason);
  if (isInteger(value)) return BigInt(value);
  const short = typeof value === "string" && value.length <= 4300;
  const whole = short ? parsedInteger(value, integerArgument(base, "int")) : undefined;
  if (whole !== undefined) return whole;
  const float = parsedFloat(value);
  return float === undefined || !Number.isFinite(float) ? otherwise : BigInt(Math.trunc(float));
});

const float = filter("default?", (value, [otherwise = 0]) => {
  if (value instanceof Undefined) throw new TemplateError(value.reason);
  return parsedFloat(value) ?? otherwise;
});

export const NUMBER_FILTERS = { abs, round, int, float } satisfies Readonly<Record<string, Filter>>;
