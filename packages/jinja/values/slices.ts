/** `value[start:stop:step]`, and `value[index]` counted from either end. */
import { TemplateError } from "../template-error.ts";
import { lengthOf, pointsOf } from "./code-points.ts";
import { isList, Tuple, typeName, type Value } from "./values.ts";

type SliceBounds = Readonly<Record<"start" | "stop" | "step", number | undefined>>;

export function sliceOf(value: Value, bounds: SliceBounds): Value {
  if (typeof value === "string") return textSlice(value, bounds);
  if (isList(value)) return picked(value, bounds);
  if (value instanceof Tuple) return new Tuple(picked(value.items, bounds));
  throw new TemplateError(`a ${typeName(value)} cannot be sliced`);
}

function textSlice(text: string, bounds: SliceBounds): string {
  if ((bounds.step ?? 1) === 1 && lengthOf(text) === text.length) {
    const { from, to } = range(text.length, bounds);
    return text.slice(from, Math.max(from, to));
  }
  return picked(pointsOf(text), bounds).join("");
}

function picked<Item>(items: readonly Item[], bounds: SliceBounds): Item[] {
  const { from, to, step } = range(items.length, bounds);
  if (step === 1) return items.slice(from, Math.max(from, to));
  const found: Item[] = [];
  for (let at = from; step > 0 ? at < to : at > to; at += step) found.push(items[at] as Item);
  return found;
}

function range(length: number, { start, stop, step = 1 }: SliceBounds) {
  if (step === 0) throw new TemplateError("a slice cannot have a step of 0");
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
  const within = (index: number) =>
    Math.min(high, Math.max(low, index < 0 ? index + length : index));
  return {
    from: start === undefined ? (step > 0 ? low : high) : within(start),
    to: stop === undefined ? (step > 0 ? high : low) : within(stop),
    step,
  };
}
