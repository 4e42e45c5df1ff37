/**
 * The few shapes of protobuf that spans need, one after another into a buffer that grows.
 *
 * Short ASCII, which nearly all of it is, is written by a loop: a call into the runtime for each string costs more
 * than the string. https://protobuf.dev/programming-guides/encoding/
 */

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** Longer strings are worth a call. */
const LOOP_MAX_CHARACTERS = 64;
/** Of tags and lengths. */
const VARINT_MAX_BYTES = 5;
const LONG_VARINT_BYTES = 10;
const TWO_TO_32 = 2 ** 32;

export class ProtobufWriter {
  #bytes: Buffer<ArrayBuffer>;
  #length = 0;

  constructor(initialBytes: number) {
    this.#bytes = Buffer.from(new ArrayBuffer(initialBytes));
  }

  /** All that was written, until the next `clear`. */
  get written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  /** All that was written. The writer begins anew in other memory, `memory` if it is given. */
  take(memory?: ArrayBuffer): Uint8Array<ArrayBuffer> {
    const { buffer } = this.#bytes;
    const taken = new Uint8Array(buffer, 0, this.#length);
    this.#bytes = Buffer.from(memory ?? new ArrayBuffer(buffer.byteLength));
    this.#length = 0;
    return taken;
  }

  /** Up to `close`, what is written is the message in this field. */
  open(field: number): number {
    this.#reserve(VARINT_MAX_BYTES + 1);
    this.#tag(field, BYTES);
    // Most messages are short: their length is one byte.
    this.#length += 1;
    return this.#length;
  }

  close(start: number): void {
    const length = this.#length - start;
    const end = this.#length;
    if (length > 0x7f) {
      const more = sizeOfVarint(length) - 1;
      this.#reserve(more);
      this.#bytes.copyWithin(start + more, start, end);
      this.#length = start - 1;
      this.#varint(length);
      this.#length = end + more;
    } else this.#bytes[start - 1] = length;
  }

  /** Fields of the message that is open. */
  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** The message in this field is what comes next, and its length is known. */
  announce(field: number, length: number): void {
    this.#reserve(2 * VARINT_MAX_BYTES);
    this.#tag(field, BYTES);
    this.#varint(length);
  }

  /** A whole number from 0 to 2^53. */
  varint(field: number, value: number): void {
    this.#reserve(VARINT_MAX_BYTES + LONG_VARINT_BYTES);
    this.#tag(field, VARINT);
    this.#varint(value);
  }

  /** A whole number below 0: two's complement of 64 bits. */
  negative(field: number, value: number): void {
    this.#reserve(VARINT_MAX_BYTES + LONG_VARINT_BYTES);
    this.#tag(field, VARINT);
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 0x7fn; rest >>= 7n) this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
    this.#bytes[this.#length++] = Number(rest);
  }

  fixed32(field: number, value: number): void {
    this.#reserve(VARINT_MAX_BYTES + 4);
    this.#tag(field, FIXED32);
    this.#fixed32(value);
  }

  /** Of 64 bits: `high` * 2^32 + `low`. */
  fixed64(field: number, high: number, low: number): void {
    this.#reserve(VARINT_MAX_BYTES + 8);
    this.#tag(field, FIXED64);
    this.#fixed32(low);
    this.#fixed32(high);
  }

  double(field: number, value: number): void {
    this.#reserve(VARINT_MAX_BYTES + 8);
    this.#tag(field, FIXED64);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  /** Words of 32 bits, the most significant byte of each first. */
  words(field: number, words: readonly number[]): void {
    this.#reserve(2 * VARINT_MAX_BYTES + 4 * words.length);
    this.#tag(field, BYTES);
    this.#varint(4 * words.length);
    for (const word of words) {
      this.#bytes[this.#length++] = word >>> 24;
      this.#bytes[this.#length++] = (word >>> 16) & 0xff;
      this.#bytes[this.#length++] = (word >>> 8) & 0xff;
      this.#bytes[this.#length++] = word & 0xff;
    }
  }

  string(field: number, text: string): void {
    // A character of UTF-16 is at most three bytes of UTF-8.
    this.#reserve(2 * VARINT_MAX_BYTES + 3 * text.length);
    this.#tag(field, BYTES);
    if (text.length <= LOOP_MAX_CHARACTERS && this.#ascii(text)) return;
    this.#varint(Buffer.byteLength(text));
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** False, and nothing written, if it is more than ASCII. */
  #ascii(text: string): boolean {
    // Its length is one byte.
    let at = this.#length + 1;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return false;
      this.#bytes[at++] = code;
    }
    this.#bytes[this.#length] = text.length;
    this.#length = at;
    return true;
  }

  #tag(field: number, type: number): void {
    this.#varint((field << 3) | type);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest = rest < TWO_TO_32 ? rest >>> 7 : Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  #fixed32(value: number): void {
    this.#bytes[this.#length++] = value & 0xff;
    this.#bytes[this.#length++] = (value >>> 8) & 0xff;
    this.#bytes[this.#length++] = (value >>> 16) & 0xff;
    this.#bytes[this.#length++] = (value >>> 24) & 0xff;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const grownBytes = Math.max(2 * this.#bytes.length, this.#length + bytes);
    const grown = Buffer.from(new ArrayBuffer(grownBytes));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

/** In bytes. */
export function sizeOfVarint(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 0x7f; rest >>>= 7) bytes += 1;
  return bytes;
}
