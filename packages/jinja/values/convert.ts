/** From what JSON has to a template's values. */
import type { Meter } from "../meter.ts";
import { Callable, Dict, Namespace, Stream, Tuple, Undefined, type Value, View } from "./values.ts";

/** Whole numbers become integers: JavaScript does not know which of them were written as `1.0`. */
export function toValue(given: unknown, meter: Meter): Value {
  meter.step();
  if (given === null || given === undefined) return null;
  if (typeof given === "number") return Number.isSafeInteger(given) ? BigInt(given) : given;
  if (typeof given !== "object") return given as Value;
  if (OWN.some((own) => given instanceof own)) return given as Value;
  if (Array.isArray(given)) return given.map((item: unknown) => toValue(item, meter));
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  return Dict.of(present.map(([key, value]) => [key, toValue(value, meter)] as const));
}

const OWN = [Callable, Dict, Namespace, Stream, Tuple, Undefined, View] as const;
