/**
 * Passes a stream on in whole parts: events, or lines.
 *
 * A part that its server did not finish must not reach the client, because the failure that follows would be read as the
 * rest of it. Model servers write part by part, so normally nothing is held back.
 */

/** One part larger than this is passed on in pieces. */
const PART_MAX_BYTES = 1024 * 1024;

const NONE = Buffer.alloc(0);

/** How a kind of stream is cut. */
export type Parts = {
  /** Whether the last of these bytes end a part. */
  readonly areWhole: (bytes: Buffer) => boolean;
  /** Where the last part ends that is whole; 0 where none does. */
  readonly endOfLast: (bytes: Buffer) => number;
  /** Where that ends which keeps connections alive between two parts, from `start` on. */
  readonly endOfFiller: (bytes: Buffer, start: number) => number;
};

export class WholeParts {
  readonly #parts: Parts;
  readonly #maxBytes: number;
  #held: Buffer = NONE;
  #inside = false;

  constructor(parts: Parts, maxBytes = PART_MAX_BYTES) {
    this.#parts = parts;
    this.#maxBytes = maxBytes;
  }

  /** What may be sent now. */
  push(chunk: Buffer): Buffer {
    // As nearly all of them are: looked at, and not searched.
    if (this.#held.length === 0 && this.#parts.areWhole(chunk)) {
      this.#inside = false;
      return chunk;
    }
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const last = this.#parts.endOfLast(bytes);
    const isBetween = last > 0 || !this.#inside;
    const end = isBetween ? this.#parts.endOfFiller(bytes, last) : last;
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

  /** Whether a piece of a part has been sent: nothing well-formed can follow. */
  get isInside(): boolean {
    return this.#inside;
  }
}
