/**
 * Bytes that come in pieces, in one buffer that grows with them.
 *
 * A list of the pieces would be simpler and much larger: a piece of one byte, which a client may send as often as it
 * likes, takes some two hundred. Here a body takes at most twice its length, and exactly that when it was announced.
 */
const FIRST_BYTES = 16 * 1024;

type Bounds = {
  readonly maxBytes: number;
  /** What the client says that will come. */
  readonly announcedBytes: number | undefined;
};

export class GrowingBuffer {
  readonly #bounds: Bounds;
  #buffer: Buffer = Buffer.alloc(0);
  #length = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  get length(): number {
    return this.#length;
  }

  /** What it takes once this has been added. */
  capacityWith(piece: Buffer): number {
    const needed = this.#length + piece.length;
    if (needed <= this.#buffer.length) return this.#buffer.length;
    const { maxBytes, announcedBytes = Infinity } = this.#bounds;
    const roomy = Math.max(FIRST_BYTES, 2 * this.#length, needed);
    return Math.max(needed, Math.min(roomy, maxBytes, announcedBytes));
  }

  add(piece: Buffer): void {
    const capacity = this.capacityWith(piece);
    if (this.#length === 0 && capacity === piece.length) {
      // Most bodies come in one piece.
      this.#buffer = piece;
    } else {
      if (capacity > this.#buffer.length) this.#grow(capacity);
      piece.copy(this.#buffer, this.#length);
    }
    this.#length += piece.length;
  }

  /** Everything so far. */
  whole(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #grow(capacity: number): void {
    const larger = Buffer.allocUnsafeSlow(capacity);
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
