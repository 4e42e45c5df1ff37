/** Filters that make text of what they get. */
import type { Meter } from "../meter.ts";
import { TemplateError } from "../template-error.ts";
import { integerArgument, textArgument } from "../values/arguments.ts";
import { lengthOf, pointsOf } from "../values/code-points.ts";
import { isTrue } from "../values/compare.ts";
import { type JsonStyle, jsonText } from "../values/json.ts";
import { itemsOf } from "../values/iterate.ts";
import { printf } from "../values/printf.ts";
import { str } from "../values/text.ts";
import { Dict, isInteger, Tuple, type Value } from "../values/values.ts";
import { type Filter, filter, getter, textFilter } from "./filter.ts";
import { joinTexts, replaced, splitLines, stripText } from "./text-edits.ts";
import { capitalized, textMethod } from "./text-methods.ts";

const tojson = filter(
  "ensure_ascii? indent? separators? sort_keys?",
  (value, [ensureAscii = false, indent = null, separators = null, sortKeys = false], meter) => {
    const [item, key] = separatorsOf(separators, indent !== null);
    const style: JsonStyle = {
      ensureAscii: isTrue(ensureAscii),
      ...(indent !== null && { indent: indentText(indent, meter) }),
      itemSeparator: item,
      keySeparator: key,
      sortKeys: isTrue(sortKeys),
    };
    return jsonText(value, style, meter);
  },
);

function separatorsOf(given: Value, indented: boolean): readonly [string, string] {
  if (given === null) return [indented ? "," : ", ", ": "];
  const [item, key] = itemsOf(given);
  return [textArgument(item, "tojson"), textArgument(key, "tojson")];
}

function indentText(indent: Value, meter: Meter): string {
  if (typeof indent === "string") return indent;
  const width = Math.max(0, integerArgument(indent, "indent"));
  meter.characters(width);
  return " ".repeat(width);
}

const indent = textFilter(
  "width? first? blank?",
  (text, [width = 4n, first = false, blank = false], meter) => {
    const indention = indentText(width, meter);
    const [head = "", ...lines] = splitLines(`${text}\n`, false, meter);
    meter.characters(text.length + indention.length * (lines.length + 1));
    const indented = lines.map((line) => (line === "" && !isTrue(blank) ? "" : indention + line));
    return (isTrue(first) ? indention : "") + [head, ...indented].join("\n");
  },
);

const join = filter("d? attribute?", (value, [separator = "", attribute], meter) => {
  const texts = itemsOf(value).map((item) => str(getter(attribute)(item), meter));
  return joinTexts(texts, str(separator, meter), meter);
});

const format: Filter = (value, { positional, named }, meter) => {
  if (positional.length > 0 && named.size > 0) {
    throw new TemplateError("a format takes values by position or by name, not both");
  }
  const given = named.size > 0 ? Dict.of(named) : new Tuple(positional);
  return printf(str(value, meter), given, meter);
};

const truncate = textFilter(
  "length? killwords? end? leeway?",
  (text, [length = 255n, killWords = false, end = "...", leeway = 5n]) => {
    const [most, ending] = [integerArgument(length, "truncate"), textArgument(end, "truncate")];
    if (lengthOf(text) <= most + integerArgument(leeway, "truncate")) return text;
    const cut = pointsOf(text)
      .slice(0, most - lengthOf(ending))
      .join("");
    if (isTrue(killWords)) return cut + ending;
    const space = cut.lastIndexOf(" ");
    return (space < 0 ? cut : cut.slice(0, space)) + ending;
  },
);

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "'": "&#39;",
  '"': "&#34;",
};

const escape = textFilter("", (text, _, meter) => {
  meter.characters(text.length * 5);
  return text.replaceAll(/[&<>'"]/g, (character) => ESCAPES[character] ?? character);
});

const plain = textFilter("", (text) => text);

const urlencode = filter("", (value, _, meter) => {
  const quote = (one: Value) => encodeURIComponent(str(one, meter)).replaceAll(/[!'()*]/g, percent);
  if (!(value instanceof Dict)) return quote(value).replaceAll("%2F", "/");
  return value
    .entries()
    .map(([key, of]) => `${quote(key)}=${quote(of)}`)
    .join("&");
});

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

const center: Filter = textFilter("width?", (text, [width = 80n], meter) => {
  const centered = textMethod(text, "center");
  return centered?.call({ positional: [width], named: new Map() }, meter) ?? text;
});

export const TEXT_FILTERS = {
  tojson,
  indent,
  join,
  format,
  truncate,
  escape,
  e: escape,
  forceescape: escape,
  safe: plain,
  string: plain,
  urlencode,
  center,
  capitalize: textFilter("", capitalized),
  lower: textFilter("", (text) => text.toLowerCase()),
  upper: textFilter("", (text) => text.toUpperCase()),
  title: textFilter("", (text) =>
    text.replaceAll(
      /[^-\s({[<]+/gu,
      (word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase(),
    ),
  ),
  trim: textFilter("chars?", (text, [characters = null]) =>
    stripText(text, characters === null ? undefined : textArgument(characters, "trim"), "both"),
  ),
  replace: textFilter("old new count?", (text, [old = "", by = "", count = null], meter) => {
    const most = isInteger(count) ? Number(count) : -1;
    return replaced(text, { old: str(old, meter), by: str(by, meter), most }, meter);
  }),
  wordcount: textFilter("", (text) => BigInt(text.match(/[\p{L}\p{N}_]+/gu)?.length ?? 0)),
} satisfies Readonly<Record<string, Filter>>;
