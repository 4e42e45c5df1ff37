/** Cutting texts up and putting them together, within what the meter allows. */
import type { Meter } from "../meter.ts";
import { TemplateError } from "../template-error.ts";
import { textArgument } from "../values/arguments.ts";
import { pointsOf, SPACE } from "../values/code-points.ts";
import { Tuple, type Value } from "../values/values.ts";

const BLANK = new RegExp(`[${SPACE}]`);

/** Without `characters`: white space. */
export function stripText(
  text: string,
  characters: string | undefined,
  side: "start" | "end" | "both",
): string {
  if (characters === undefined) return stripSpace(text, side);
  const stripped = new Set(pointsOf(characters));
  const points = pointsOf(text);
  const isKept = (point: string) => !stripped.has(point);
  const start = side === "end" ? 0 : firstIndex(points, isKept);
  const end = side === "start" ? points.length : points.findLastIndex(isKept) + 1;
  return points.slice(start, end).join("");
}

function firstIndex(points: readonly string[], isKept: (point: string) => boolean): number {
  const first = points.findIndex(isKept);
  return first < 0 ? points.length : first;
}

function stripSpace(text: string, side: "start" | "end" | "both"): string {
  const from = side === "end" ? text : text.slice(spaceLength(text, 0, 1));
  return side === "start"
    ? from
    : from.slice(0, from.length - spaceLength(from, from.length - 1, -1));
}

/** Not by a pattern: one that is anchored at the end looks at every run of white space before. */
function spaceLength(text: string, start: number, step: 1 | -1): number {
  let at = start;
  while (at >= 0 && at < text.length && BLANK.test(text.charAt(at))) at += step;
  return Math.abs(at - start);
}

type Split = {
  /** Absent and none: runs of white space. */
  readonly separator: Value | undefined;
  /** Negative: as often as there are separators. */
  readonly most: number;
  /** Where cutting begins, which matters where `most` ends it. */
  readonly from: "start" | "end";
};

export function splitText(text: string, { separator, most, from }: Split, meter: Meter): string[] {
  const bySpace = separator === undefined || separator === null;
  const parts = bySpace
    ? words(text, most, from)
    : cut(text, textArgument(separator, "split"), most, from);
  meter.items(parts.length);
  meter.step(parts.length);
  return parts;
}

function cut(text: string, separator: string, most: number, from: "start" | "end"): string[] {
  if (separator === "") throw new TemplateError("a text cannot be split at nothing");
  const parts = text.split(separator);
  if (most < 0 || parts.length <= most + 1) return parts;
  if (from === "start") {
    return [...parts.slice(0, most), parts.slice(most).join(separator)];
  }
  const rest = parts.length - most;
  return [parts.slice(0, rest).join(separator), ...parts.slice(rest)];
}

function words(text: string, most: number, from: "start" | "end"): string[] {
  const whole = stripSpace(text, "both");
  if (whole === "") return [];
  const spaces = [...whole.matchAll(new RegExp(`[${SPACE}]+`, "g"))];
  const cuts =
    most < 0
      ? spaces
      : from === "start"
        ? spaces.slice(0, most)
        : spaces.slice(-most || spaces.length);
  const parts: string[] = [];
  let start = 0;
  for (const { index, 0: space } of cuts) {
    parts.push(whole.slice(start, index));
    start = index + space.length;
  }
  return keepingOuterSpace([...parts, whole.slice(start)], text, most, from);
}

/** Python strips what remains only where it looked for words. */
function keepingOuterSpace(
  parts: string[],
  text: string,
  most: number,
  from: "start" | "end",
): string[] {
  if (most < 0 || parts.length <= most) return parts;
  const side = from === "start" ? "start" : "end";
  if (most === 0) return [stripSpace(text, side)];
  if (from === "start")
    return [...parts.slice(0, -1), parts.at(-1) + text.slice(stripSpace(text, "end").length)];
  return [
    text.slice(0, text.length - stripSpace(text, "start").length) + parts[0],
    ...parts.slice(1),
  ];
}

const LINE_ENDS = "\\n\\r\\v\\f\\x1c-\\x1e\\x85\\u2028\\u2029";
const LINE_END = new RegExp(`\\r\\n|[${LINE_ENDS}]`, "g");

export function splitLines(text: string, keepEnds: boolean, meter: Meter): string[] {
  const lines: string[] = [];
  let start = 0;
  for (const { index, 0: end } of text.matchAll(LINE_END)) {
    lines.push(text.slice(start, keepEnds ? index + end.length : index));
    start = index + end.length;
  }
  if (start < text.length) lines.push(text.slice(start));
  meter.items(lines.length);
  return lines;
}

export function partitioned(
  text: string,
  separator: string,
  search: "indexOf" | "lastIndexOf",
): Tuple {
  if (separator === "") throw new TemplateError("a text cannot be parted at nothing");
  const at = text[search](separator);
  if (at < 0) return new Tuple(search === "indexOf" ? [text, "", ""] : ["", "", text]);
  return new Tuple([text.slice(0, at), separator, text.slice(at + separator.length)]);
}

type Replacement = { readonly old: string; readonly by: string; readonly most: number };

/** The first `most`; all where that is negative. */
export function replaced(text: string, { old, by, most }: Replacement, meter: Meter): string {
  const parts = old === "" ? ["", ...pointsOf(text), ""] : text.split(old);
  const times = most < 0 ? parts.length - 1 : Math.min(most, parts.length - 1);
  if (times === 0) return text;
  meter.characters(text.length + times * (by.length - old.length));
  const rest = parts.slice(times).join(old);
  return [...parts.slice(0, times), rest].join(by);
}

export function joinTexts(texts: readonly string[], separator: string, meter: Meter): string {
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  meter.characters(characters + separator.length * Math.max(0, texts.length - 1));
  return texts.join(separator);
}
