/** The methods of a text: Python's. */
import { type Bound, bound, integerArgument, textArgument } from "../values/arguments.ts";
import { isTrue } from "../values/compare.ts";
import { lengthOf, pointIndex, SPACE } from "../values/code-points.ts";
import { itemsOf } from "../values/iterate.ts";
import { sliceOf } from "../values/slices.ts";
import { type Arguments, Callable, Tuple, type Value } from "../values/values.ts";
import type { Meter } from "../meter.ts";
import { TemplateError } from "../template-error.ts";
import { formatText } from "./format-text.ts";
import { isOnly, swappedCase, titled } from "./letters.ts";
import {
  joinTexts,
  partitioned,
  splitLines,
  splitText,
  stripText,
  replaced,
} from "./text-edits.ts";

type Method = {
  readonly names: readonly string[];
  readonly call: (text: string, given: Bound, meter: Meter) => Value;
};

function method(names: string, call: Method["call"]): Method {
  return { names: names === "" ? [] : names.split(" "), call };
}

/** Undefined where texts have no such method. */
export function textMethod(text: string, name: string): Callable | undefined {
  if (name === "format") {
    return new Callable(name, (given, meter) => formatText(text, given, meter));
  }
  const found = METHODS.get(name);
  if (found === undefined) return undefined;
  return new Callable(name, (given: Arguments, meter) => {
    meter.step();
    const result = found.call(text, bound(given, found.names, name), meter);
    if (typeof result === "string") meter.characters(result.length);
    return result;
  });
}

function optionalInteger(value: Value | undefined, otherwise: number): number {
  return value === undefined || value === null ? otherwise : integerArgument(value, "a method");
}

/** What `strip` and the like remove: absent and none mean white space. */
function stripped(side: "start" | "end" | "both"): Method {
  return method("chars?", (text, [characters]) =>
    stripText(
      text,
      characters === undefined || characters === null
        ? undefined
        : textArgument(characters, "strip"),
      side,
    ),
  );
}

function isAffix(name: "startsWith" | "endsWith"): Method {
  return method("prefix start? end?", (text, [affix, start, end]) => {
    const within = part(text, start, end);
    const affixes = affix instanceof Tuple ? affix.items : [affix];
    return affixes.some((one) => within[name](textArgument(one, name.toLowerCase())));
  });
}

function part(text: string, start: Value | undefined, end: Value | undefined): string {
  if (start === undefined && end === undefined) return text;
  const bounds = {
    start: optionalInteger(start, 0),
    stop: optionalInteger(end, lengthOf(text)),
    step: undefined,
  };
  return sliceOf(text, bounds) as string;
}

function searched(search: "indexOf" | "lastIndexOf", fails: boolean): Method {
  return method("sub start? end?", (text, [sub, start, end]) => {
    const within = part(text, start, end);
    const at = within[search](textArgument(sub, "find"));
    if (at < 0 && fails) throw new TemplateError("the text does not hold what is looked for");
    const offset = optionalInteger(start, 0);
    const from = offset < 0 ? Math.max(0, offset + lengthOf(text)) : offset;
    return BigInt(at < 0 ? at : pointIndex(within, at) + from);
  });
}

function aligned(left: (missing: number, width: number) => number): Method {
  return method("width fillchar?", (text, [width, fill], meter) => {
    const wanted = integerArgument(width, "center");
    const filler = fill === undefined ? " " : textArgument(fill, "center");
    meter.characters(wanted);
    const missing = Math.max(0, wanted - lengthOf(text));
    const before = left(missing, wanted);
    return filler.repeat(before) + text + filler.repeat(missing - before);
  });
}

const METHODS: ReadonlyMap<string, Method> = new Map(
  Object.entries({
    strip: stripped("both"),
    lstrip: stripped("start"),
    rstrip: stripped("end"),
    startswith: isAffix("startsWith"),
    endswith: isAffix("endsWith"),
    find: searched("indexOf", false),
    rfind: searched("lastIndexOf", false),
    index: searched("indexOf", true),
    rindex: searched("lastIndexOf", true),
    center: aligned((missing, width) => Math.floor(missing / 2) + (missing & width & 1)),
    ljust: aligned(() => 0),
    rjust: aligned((missing) => missing),
    zfill: method("width", (text, [width], meter) => {
      const wanted = integerArgument(width, "zfill");
      meter.characters(wanted);
      const [sign = ""] = /^[-+]?/.exec(text) ?? [];
      const zeros = "0".repeat(Math.max(0, wanted - lengthOf(text)));
      return sign + zeros + text.slice(sign.length);
    }),
    upper: method("", (text) => text.toUpperCase()),
    lower: method("", (text) => text.toLowerCase()),
    casefold: method("", (text) => text.toLowerCase().replaceAll("ß", "ss")),
    capitalize: method("", capitalized),
    title: method("", titled),
    swapcase: method("", swappedCase),
    split: method("sep? maxsplit?", (text, [separator, most], meter) =>
      splitText(text, { separator, most: optionalInteger(most, -1), from: "start" }, meter),
    ),
    rsplit: method("sep? maxsplit?", (text, [separator, most], meter) =>
      splitText(text, { separator, most: optionalInteger(most, -1), from: "end" }, meter),
    ),
    splitlines: method("keepends?", (text, [keepEnds = false], meter) =>
      splitLines(text, isTrue(keepEnds), meter),
    ),
    partition: method("sep", (text, [separator]) =>
      partitioned(text, textArgument(separator, "partition"), "indexOf"),
    ),
    rpartition: method("sep", (text, [separator]) =>
      partitioned(text, textArgument(separator, "rpartition"), "lastIndexOf"),
    ),
    replace: method("old new count?", (text, [old, by, count], meter) =>
      replaced(
        text,
        {
          old: textArgument(old, "replace"),
          by: textArgument(by, "replace"),
          most: optionalInteger(count, -1),
        },
        meter,
      ),
    ),
    removeprefix: method("prefix", (text, [prefix]) => {
      const affix = textArgument(prefix, "removeprefix");
      return text.startsWith(affix) ? text.slice(affix.length) : text;
    }),
    removesuffix: method("suffix", (text, [suffix]) => {
      const affix = textArgument(suffix, "removesuffix");
      return affix !== "" && text.endsWith(affix) ? text.slice(0, -affix.length) : text;
    }),
    join: method("iterable", (text, [items], meter) =>
      joinTexts(
        itemsOf(items as Value).map((item) => textArgument(item, "join")),
        text,
        meter,
      ),
    ),
    count: method("sub start? end?", (text, [sub, start, end]) => {
      const within = part(text, start, end);
      const wanted = textArgument(sub, "count");
      return BigInt(wanted === "" ? lengthOf(within) + 1 : within.split(wanted).length - 1);
    }),
    expandtabs: method("tabsize?", (text, [size], meter) => {
      const width = optionalInteger(size, 8);
      meter.characters(text.length + width * (text.split("\t").length - 1));
      return text.replaceAll(/[^\n\r]+/g, (line) => expanded(line, width));
    }),
    isspace: method("", (text) => new RegExp(`^[${SPACE}]+$`).test(text)),
    isalpha: method("", (text) => isOnly(text, /\p{L}/u)),
    isdigit: method("", (text) => isOnly(text, /\p{Nd}|[\u00b2\u00b3\u00b9\u2070-\u2089]/u)),
    isdecimal: method("", (text) => isOnly(text, /\p{Nd}/u)),
    isnumeric: method("", (text) => isOnly(text, /\p{N}/u)),
    isalnum: method("", (text) => isOnly(text, /[\p{L}\p{N}]/u)),
    isascii: method("", (text) => !/[^\0-\x7f]/.test(text)),
    isidentifier: method("", (text) =>
      /^[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*$/u.test(text),
    ),
    isupper: method("", (text) => text === text.toUpperCase() && text !== text.toLowerCase()),
    islower: method("", (text) => text === text.toLowerCase() && text !== text.toUpperCase()),
    istitle: method(
      "",
      (text) => text === titled(text) && text.toLowerCase() !== text.toUpperCase(),
    ),
  }),
);

export function capitalized(text: string): string {
  const [first = ""] = text;
  return first.toUpperCase() + text.slice(first.length).toLowerCase();
}

function expanded(line: string, width: number): string {
  let column = 0;
  return line.replaceAll(/\t|[^\t]+/g, (piece) => {
    const text = piece === "\t" ? " ".repeat(width > 0 ? width - (column % width) : 0) : piece;
    column += lengthOf(text);
    return text;
  });
}
