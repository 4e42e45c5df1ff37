/**
 * Passes a stream of server-sent events on in whole events.
 *
 * An event that its server did not finish must not reach the client, because the error event that follows
 * would be read as the rest of it. Model servers write event by event, so normally nothing is held back. Comments between
 * events are whole when their line is: they are there to keep connections alive.
 */

/** One event larger than this is passed on in pieces. */
const EVENT_MAX_BYTES = 1024 * 1024;

const NONE = Buffer.alloc(0);

export class WholeEvents {
  readonly #maxBytes: number;
  #held: Buffer = NONE;
  #inside = false;

  constructor(maxBytes = EVENT_MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** What may be sent now. */
  push(chunk: Buffer): Buffer {
    // As nearly all of them are: looked at, and not searched.
    if (this.#held.length === 0 && endsAnEvent(chunk)) {
      this.#inside = false;
      return chunk;
    }
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const lastEvent = endOfLastEvent(bytes);
    const isBetween = lastEvent > 0 || !this.#inside;
    const end = isBetween ? endOfComments(bytes, lastEvent) : lastEvent;
    const tooLarge = bytes.length - end > this.#maxBytes;
    const sent = tooLarge ? bytes : bytes.subarray(0, end);
    this.#held = bytes.subarray(sent.length);
    if (sent.length > 0) this.#inside = tooLarge;
    return sent;
  }

  /** What the server left unfinished and ended nevertheless. */
  rest(): Buffer {
    return this.#held;
  }

  /** Whether a part of an event has been sent: nothing well-formed can follow. */
  get insideEvent(): boolean {
    return this.#inside;
  }
}

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
