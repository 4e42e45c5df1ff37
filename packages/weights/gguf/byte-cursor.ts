/**
 * Reads little-endian values from the start of some bytes forwards, through one buffer of fixed size.
 *
 * Reading past the end throws EndOfFileError: for a header that means "truncated", which a caller tells
 * apart from "not what it should be".
 */
/** A file handle, or something that reads like one. Positions never go back by more than BUFFER_BYTES. */
export type ByteSource = {
  read(
    target: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesRead: number }>;
};

export const BUFFER_BYTES = 256 * 1024;

export class EndOfFileError extends Error {
  override readonly name = "EndOfFileError";
}

export class ByteCursor {
  readonly #source: ByteSource;
  readonly #sizeBytes: number;
  readonly #buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #bufferStart = 0;
  #bufferLength = 0;
  #offset = 0;

  constructor(source: ByteSource, sizeBytes: number) {
    this.#source = source;
    this.#sizeBytes = sizeBytes;
  }

  get offset(): number {
    return this.#offset;
  }

  /** The next `length` bytes; valid until the next call. */
  async bytes(length: number): Promise<Buffer> {
    if (length > BUFFER_BYTES || this.#offset + length > this.#sizeBytes) {
      throw new EndOfFileError(`the file ends at byte ${this.#sizeBytes}`);
    }
    if (
      this.#offset < this.#bufferStart ||
      this.#offset + length > this.#bufferStart + this.#bufferLength
    ) {
      await this.#fill();
    }
    const start = this.#offset - this.#bufferStart;
    if (start + length > this.#bufferLength) {
      throw new EndOfFileError("the file became shorter while it was read");
    }
    this.#offset += length;
    return this.#buffer.subarray(start, start + length);
  }

  async uint16(): Promise<number> {
    return (await this.bytes(2)).readUInt16LE();
  }

  async uint32(): Promise<number> {
    return (await this.bytes(4)).readUInt32LE();
  }

  async uint64(): Promise<bigint> {
    return (await this.bytes(8)).readBigUInt64LE();
  }

  async skip(length: bigint): Promise<void> {
    const target = BigInt(this.#offset) + length;
    if (target > BigInt(this.#sizeBytes)) {
      throw new EndOfFileError(`the file ends at byte ${this.#sizeBytes}`);
    }
    this.#offset = Number(target);
    return Promise.resolve();
  }

  async #fill(): Promise<void> {
    this.#bufferStart = this.#offset;
    this.#bufferLength = 0;
    while (this.#bufferLength < BUFFER_BYTES) {
      const { bytesRead } = await this.#source.read(
        this.#buffer,
        this.#bufferLength,
        BUFFER_BYTES - this.#bufferLength,
        this.#bufferStart + this.#bufferLength,
      );
      if (bytesRead === 0) return;
      this.#bufferLength += bytesRead;
    }
  }
}
