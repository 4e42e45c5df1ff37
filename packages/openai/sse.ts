/**
 * Server-sent events as OpenAI frames them: `data: <json>` and a blank line, ended by `[DONE]`, or with a name and without
 * that end.
 *
 * An event is one string, to be written at once: some clients forget an event that arrives in two reads.
 */

export const DONE = "data: [DONE]\n\n";

/**
 * Clients skip comments; proxies and their idle timers do not. One line break: the blank line that a second one makes
 * ends an event that never began, which older decoders hand on as an empty one.
 */
export function comment(text: string): string {
  return `: ${text}
`;
}

export const KEEP_ALIVE = comment("keep-alive");

/**
 * JSON has no raw line feeds. It may hold characters that only some line readers break at (Python's
 * `splitlines` does), so those are escaped as well.
 */
export function frame(event: object): string {
  const json = JSON.stringify(event).replace(/[\u0085\u2028\u2029]/g, escaped);
  return `data: ${json}\n\n`;
}

/** With its type as the event's name, which OpenAI's newer streams have beside the data. */
export function namedFrame(name: string, event: object): string {
  return `event: ${name}\n${frame(event)}`;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
