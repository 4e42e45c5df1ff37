/**
 * What a JSON text would cost to parse, found out without parsing it.
 *
 * A parser builds an object for every brace and a property for every colon: thirty megabytes of either
 * keep a thread busy for seconds, while thirty megabytes of text or token ids are nothing. So it is the
 * structure that has a bound here, in one pass over the bytes that skips whatever is inside strings.
 */

export const JSON_MAX_DEPTH = 64;
const JSON_MAX_CONTAINERS = 200_000;
const JSON_MAX_FIELDS = 200_000;

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

/** What is too much about this text, if anything. Says nothing about whether it is JSON. */
export function excessOf(json: Uint8Array): string | undefined {
  let depth = 0;
  let containers = 0;
  let fields = 0;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] as number;
    if (byte === QUOTE) at = endOfString(json, at);
    else if (byte === COLON) fields++;
    else if (opens(byte)) {
      containers++;
      depth++;
      if (depth > JSON_MAX_DEPTH) return `nested deeper than ${JSON_MAX_DEPTH} levels`;
    } else if (closes(byte)) depth--;
  }
  if (containers > JSON_MAX_CONTAINERS)
    return `more than ${JSON_MAX_CONTAINERS} objects and arrays`;
  if (fields > JSON_MAX_FIELDS) return `more than ${JSON_MAX_FIELDS} fields`;
  return undefined;
}

/** Where the string that starts at `start` ends. Native search, because strings are most of a request. */
function endOfString(json: Uint8Array, start: number): number {
  let end = json.indexOf(QUOTE, start + 1);
  while (end !== -1 && isEscaped(json, end)) end = json.indexOf(QUOTE, end + 1);
  return end === -1 ? json.length : end;
}

/** An odd number of backslashes before it. */
function isEscaped(json: Uint8Array, quote: number): boolean {
  let first = quote;
  while (json[first - 1] === BACKSLASH) first--;
  return (quote - first) % 2 === 1;
}

function opens(byte: number): boolean {
  return byte === 0x7b || byte === 0x5b;
}

function closes(byte: number): boolean {
  return byte === 0x7d || byte === 0x5d;
}
