/**
 * Streams of server-sent events. Comments between events are whole when their line is: they are there to keep connections
 * alive.
 */
import type { Parts } from "./whole-parts.ts";

/** How many events end in these bytes of a model server: it writes their lines with LF. */
export function eventsIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf("\n\n"); at !== -1; at = bytes.indexOf("\n\n", at + 2)) count += 1;
  return count;
}

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;

function endsAnEvent(bytes: Buffer): boolean {
  const { length } = bytes;
  if (bytes[length - 1] !== LF) return false;
  const before = bytes[length - 2];
  return before === LF || (before === CR && bytes[length - 3] === LF);
}

/** Where the comments that begin at `start` end. */
function endOfComments(bytes: Buffer, start: number): number {
  let end = start;
  while (bytes[end] === COLON) {
    const next = bytes.indexOf(LF, end) + 1;
    if (next === 0) break;
    end = next;
  }
  return end;
}

/** Events end with an empty line; lines may end with LF or CRLF. */
function endOfLastEvent(bytes: Buffer): number {
  const lf = bytes.lastIndexOf("\n\n");
  const crlf = bytes.lastIndexOf("\n\r\n");
  return Math.max(lf === -1 ? 0 : lf + 2, crlf === -1 ? 0 : crlf + 3);
}

export const EVENTS: Parts = {
  areWhole: endsAnEvent,
  endOfLast: endOfLastEvent,
  endOfFiller: endOfComments,
};
