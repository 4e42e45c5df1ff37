/** Small languages that calls are put together from. */
import type { Language } from "@localmodel/inference/constraint.ts";

export function text(value: string): Language {
  return { kind: "text", text: value };
}

/** Without what is empty. */
export function sequence(parts: readonly Language[]): Language {
  const [first, ...others] = parts.filter((part) => part.kind !== "text" || part.text !== "");
  if (first === undefined) return text("");
  return others.length === 0 ? first : { kind: "sequence", parts: [first, ...others] };
}

function optional(part: Language): Language {
  return { kind: "either", parts: [part, text("")] };
}

type Part = { readonly written: Language; readonly isRequired: boolean };

/** Parts in their order, those left out that are not required, with something between those that are there. */
export function separated(parts: readonly Part[], separator: string): Language {
  const behind = parts.map(({ written, isRequired }) => {
    const another = sequence([text(separator), written]);
    return isRequired ? another : optional(another);
  });
  if (separator === "") return sequence(behind);
  const firstRequired = parts.findIndex(({ isRequired }) => isRequired);
  const mayBeFirst = firstRequired === -1 ? parts : parts.slice(0, firstRequired + 1);
  const beginnings = mayBeFirst.map(({ written }, i) =>
    sequence([written, ...behind.slice(i + 1)]),
  );
  if (firstRequired === -1) beginnings.push(text(""));
  const [only, another] = beginnings;
  return only !== undefined && another === undefined ? only : { kind: "either", parts: beginnings };
}

const PLACEHOLDERS: Readonly<Record<string, string>> = {
  "{n}": "(?:0|[1-9][0-9]{0,3})",
  "{id}": "[A-Za-z0-9]{9}",
};

/** A text of a syntax, in which `{n}` and `{id}` stand for what they mean. */
export function literal(value: string): Language {
  const parts = value.split(/(\{n\}|\{id\})/).map((part): Language => {
    const pattern = PLACEHOLDERS[part];
    return pattern === undefined ? text(part) : { kind: "regex", pattern, field: "tools" };
  });
  return sequence(parts);
}

/** Any text in which `end` does not occur, not even together with the `end` that follows it. */
export function textWithout(end: string, field: string): Language {
  const rules = Array.from(end, (_, matched) => stateRule(end, matched));
  return { kind: "gbnf", text: `root ::= s0\n${rules.join("")}`, field };
}

/** What may come when so many characters of `end` have just been written. */
function stateRule(end: string, matched: number): string {
  const followers = [...new Set(end)].filter((char) => char !== end[matched]);
  const back = followers.map(
    (char) => [char, longestBeginning(end.slice(0, matched) + char, end)] as const,
  );
  const on = matched + 1 < end.length ? [`${quoted(end[matched]!)} s${matched + 1}`] : [];
  const others = back.map(([char, state]) => `${quoted(char)} s${state}`);
  const rest = `[^${[...new Set(end)].map(hex).join("")}] s0`;
  return `s${matched} ::= ${[...on, ...others, rest, '""'].join(" | ")}\n`;
}

/** How many characters at the end of `written` are the beginning of `end`. */
function longestBeginning(written: string, end: string): number {
  for (let length = Math.min(written.length, end.length - 1); length > 0; length--) {
    if (written.endsWith(end.slice(0, length))) return length;
  }
  return 0;
}

function quoted(char: string): string {
  return `"${hex(char)}"`;
}

function hex(char: string): string {
  return `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
}
