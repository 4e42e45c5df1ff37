/** Kubernetes quantities as numbers, and back. */

const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

export const MEBIBYTE = 2 ** 20;

/** Not a number for what is no quantity. */
export function quantityValue(quantity: string): number {
  const [, digits = "", suffix = ""] = /^([0-9.]+)(.*)$/.exec(quantity) ?? [];
  const exponent = /^[eE]([+-]?[0-9]+)$/.exec(suffix)?.[1];
  const factor = exponent === undefined ? SUFFIXES[suffix] : 10 ** Number(exponent);
  return digits === "" || factor === undefined ? Number.NaN : Number(digits) * factor;
}

/** Rounded up, so that nobody gets less than he needs. */
export function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / MEBIBYTE)}Mi`;
}
