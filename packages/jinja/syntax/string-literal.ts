/** A text as a template writes it, between quotes and with Python's escapes. */
import { TemplateError } from "../template-error.ts";

const ESCAPE = /\\(?:\n|x[\da-f]{2}|u[\da-f]{4}|U[\da-f]{8}|[0-7]{1,3}|[xuU]|[^])/giu;

export function stringLiteral(quoted: string): string {
  return quoted.slice(1, -1).replaceAll(ESCAPE, (escape) => {
    const kind = escape.slice(1, 2);
    if (kind === "\n") return "";
    const isNumber = /^[xuU]./u.test(escape.slice(1)) || /[0-7]/.test(kind);
    if (isNumber) return numbered(escape);
    if (/[xuU]/.test(kind)) throw new TemplateError(`'${escape}' is cut off`);
    return SIMPLE[kind] ?? escape;
  });
}

function numbered(escape: string): string {
  const digits = escape.slice(1).replace(/^[xuU]/u, "");
  const code = Number.parseInt(digits, /^\\[0-7]/.test(escape) ? 8 : 16);
  if (code > 0x10_ff_ff) throw new TemplateError(`'${escape}' is no character`);
  return String.fromCodePoint(code);
}

const SIMPLE: Readonly<Record<string, string>> = {
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};
