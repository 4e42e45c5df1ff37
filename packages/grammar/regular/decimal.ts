/** Decimal texts of numbers: what a bound looks like when digits are compared. */

type Decimal = {
  readonly negative: boolean;
  /** Without leading zeros; `0` for none. */
  readonly integer: string;
  /** Without trailing zeros; empty for none. */
  readonly fraction: string;
};

/** The shortest decimal that reads back as this number, written out without an exponent. */
export function decimalOf(value: number): Decimal {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value));
  const digits = match?.[2] ?? "0";
  const decimals = match?.[3] ?? "";
  const point = digits.length + Number(match?.[4] ?? 0);
  const all = digits + decimals;
  const padded = point <= 0 ? "0".repeat(1 - point) + all : all.padEnd(point, "0");
  const split = point <= 0 ? 1 : point;
  return {
    negative: match?.[1] === "-" && value !== 0,
    integer: padded.slice(0, split).replace(/^0+(?=\d)/, ""),
    fraction: padded.slice(split).replace(/0+$/, ""),
  };
}

/** The double next to `value` in a direction. */
export function neighbour(value: number, up: boolean): number {
  if (value === 0) return up ? Number.MIN_VALUE : -Number.MIN_VALUE;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + (value > 0 === up ? 1n : -1n));
  return view.getFloat64(0);
}
