/**
 * Calls without their family's markers: a model that has half learned to call tools writes the JSON alone, in a code fence
 * or between tags of its own. An answer that is exactly one valid call of one known tool is taken for what it means.
 */
import type { Tool } from "@localmodel/inference/tools.ts";

type BareCall = { readonly name: string; readonly arguments: string };

export type Recover = (text: string) => BareCall | undefined;

/** Of an answer that is held to find out. */
const HELD_MAX_CHARACTERS = 32_768;

const NAME_KEYS = ["name", "function", "tool_name", "tool"];
const ARGUMENT_KEYS = ["arguments", "parameters", "args", "input"];
const FIRST_KEYS = [...NAME_KEYS, ...ARGUMENT_KEYS, "type", "id"];

const OPENING = /^(?:```[a-z_]{0,16}|<[a-z_]{1,24}>)?\s*/;
const CLOSING = /\s*(?:```|<\/[a-z_]{1,24}>)?\s*$/;

/** Whether what an answer begins with may become a bare call; one that begins with a marker is none. */
export function mayBeBareCall(head: string, markers: readonly string[]): boolean {
  if (head.length > HELD_MAX_CHARACTERS) return false;
  const text = head.trimStart();
  if (markers.some((marker) => text.startsWith(marker))) return false;
  if (/^(?:`{0,3}|```[a-z_]{0,16}|<[a-z_]{0,24})$/.test(text)) return true;
  const inside = text.replace(OPENING, "");
  if (inside === "" || inside === "{") return true;
  const key = /^\{\s*(?:"([^"]*)("?))?/.exec(inside);
  if (key === null) return false;
  const [matched, name, closed] = key;
  if (name === undefined) return matched.length === inside.length;
  return FIRST_KEYS.some((one) => (closed === "" ? one.startsWith(name) : one === name));
}

/** `isValid` says whether arguments are what a tool takes. */
export function recoverer(
  tools: readonly Tool[],
  isValid: (tool: Tool, args: unknown) => boolean,
): Recover {
  return (answer) => {
    const call = callIn(answer.trim().replace(OPENING, "").replace(CLOSING, ""));
    const tool = tools.find(({ name }) => name === call?.name);
    if (call === undefined || tool === undefined || !isValid(tool, call.args)) return undefined;
    return { name: tool.name, arguments: JSON.stringify(call.args) };
  };
}

function callIn(text: string): { readonly name: string; readonly args: unknown } | undefined {
  const value = parsed(text);
  if (!isRecord(value)) return undefined;
  const inner = isRecord(value["function"]) ? value["function"] : value;
  const name = NAME_KEYS.map((key) => inner[key]).find((one) => typeof one === "string");
  const key = ARGUMENT_KEYS.find((one) => Object.hasOwn(inner, one));
  if (typeof name !== "string" || key === undefined) return undefined;
  const args = inner[key];
  return { name, args: typeof args === "string" ? parsed(args) : args };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
