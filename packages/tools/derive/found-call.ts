/** Where in a text a call stands: its name, and behind it its arguments, as one JSON object or one by one. */
import type { ProbeCall } from "./probe-calls.ts";

export type FoundCall = {
  readonly before: string;
  readonly between: string;
  readonly after: string;
};

/** A call whose arguments are one JSON object, however it is spaced. */
export function foundJson(
  text: string,
  { name, arguments: args }: ProbeCall,
): FoundCall | undefined {
  const members = Object.entries(args).map(
    ([key, value]) => `${escaped(JSON.stringify(key))}\\s*:\\s*${escaped(JSON.stringify(value))}`,
  );
  const json = `\\{\\s*${members.join("\\s*,\\s*")}\\s*\\}`;
  const found = new RegExp(`^([^]*?)${escaped(name)}([^]*?)${json}([^]*)$`).exec(text);
  if (found === null) return undefined;
  const [, first = "", behind = "", after = ""] = found;
  const [between = "", ...others] = behind.split(name).toReversed();
  return { before: [first, ...others.toReversed()].join("{name}"), between, after };
}

export type FoundArguments = {
  readonly before: string;
  readonly afterName: string;
  /** Up to its value, and up to the next key. */
  readonly arguments: readonly { readonly afterKey: string; readonly next: string }[];
  /** What stands behind the last value, or behind the name where there is none. */
  readonly last: string;
};

type Finding = {
  readonly quotesStrings?: boolean | undefined;
  /** How often the name stands before the arguments. */
  readonly names: number;
};

/** A call that writes its arguments one by one. A key that stands behind its value again is `{key}` there. */
export function foundTagged(
  text: string,
  { name, arguments: args }: ProbeCall,
  { quotesStrings = false, names }: Finding,
): FoundArguments | undefined {
  let position = 0;
  const upTo = (part: string): string | undefined => {
    const at = text.indexOf(part, position);
    if (at === -1) return undefined;
    const passed = text.slice(position, at);
    position = at + part.length;
    return passed;
  };
  const before = betweenNames(names, () => upTo(name));
  const gaps = Object.entries(args).map(([key, value]) => {
    const isPlain = typeof value === "string" && !quotesStrings;
    return { key, beforeKey: upTo(key), afterKey: upTo(isPlain ? value : JSON.stringify(value)) };
  });
  if (before === undefined) return undefined;
  const last = text.slice(position);
  const found: { afterKey: string; next: string }[] = [];
  for (const [i, { key, beforeKey, afterKey }] of gaps.entries()) {
    if (beforeKey === undefined || afterKey === undefined) return undefined;
    found.push({ afterKey, next: (gaps[i + 1]?.beforeKey ?? last).replaceAll(key, "{key}") });
  }
  const afterName = gaps[0]?.beforeKey ?? "";
  return { before, afterName, arguments: found, last: found.at(-1)?.next ?? last };
}

/** Up to the last of so many names; undefined where there are fewer. */
function betweenNames(names: number, upToName: () => string | undefined): string | undefined {
  const passed = Array.from({ length: names }, upToName);
  return passed.includes(undefined) ? undefined : passed.join("{name}");
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
