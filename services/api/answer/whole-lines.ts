/**
 * Passes a stream of lines on in whole lines, for the same reason as whole-events.ts. White space between two lines is
 * passed on at once: it is there to keep connections alive.
 */
const LINE_MAX_BYTES = 1024 * 1024;
const NONE = Buffer.alloc(0);
const LF = 0x0a;
const SPACE = 0x20;

export class WholeLines {
  #held: Buffer = NONE;
  #inside = false;

  /** What may be sent now. */
  push(chunk: Buffer): Buffer {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const lastLine = bytes.lastIndexOf(LF) + 1;
    const end = lastLine > 0 || !this.#inside ? endOfSpace(bytes, lastLine) : lastLine;
    const tooLarge = bytes.length - end > LINE_MAX_BYTES;
    const sent = tooLarge ? bytes : bytes.subarray(0, end);
    this.#held = bytes.subarray(sent.length);
    if (sent.length > 0) this.#inside = tooLarge;
    return sent;
  }

  /** What the server left unfinished and ended nevertheless. */
  rest(): Buffer {
    return this.#held;
  }

  /** Whether a part of a line has been sent: nothing well-formed can follow. */
  get insideEvent(): boolean {
    return this.#inside;
  }
}

function endOfSpace(bytes: Buffer, start: number): number {
  let end = start;
  while (bytes[end] === SPACE) end += 1;
  return end;
}
