/**
 * The body of an answer, read like a file from its start: for headers, whose length nobody knows beforehand.
 *
 * Only what has been read lately is kept, and no more is taken from the network than is asked for.
 */
import type { Readable } from "node:stream";
import { BUFFER_BYTES, type ByteSource } from "../gguf/byte-cursor.ts";

export class TooLongError extends Error {
  override readonly name = "TooLongError";
}

export class BodyBytes implements ByteSource {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #limitBytes: number;
  readonly #onBytes: () => void;
  readonly #kept: { readonly start: number; readonly bytes: Buffer }[] = [];
  #receivedBytes = 0;

  /** `onBytes` is called whenever something has arrived. */
  constructor(body: Readable, limitBytes: number, onBytes: () => void) {
    this.#chunks = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.#limitBytes = limitBytes;
    this.#onBytes = onBytes;
  }

  async read(
    target: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesRead: number }> {
    while (this.#receivedBytes <= position) {
      if (position >= this.#limitBytes)
        throw new TooLongError(`more than ${this.#limitBytes} bytes`);
      if (!(await this.#receive())) return { bytesRead: 0 };
    }
    this.#forgetBefore(position - BUFFER_BYTES);
    const chunk = this.#kept.findLast(({ start }) => start <= position);
    const bytes = chunk?.bytes.subarray(position - chunk.start) ?? Buffer.alloc(0);
    return { bytesRead: bytes.copy(target, offset, 0, length) };
  }

  async #receive(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done === true) return false;
    this.#kept.push({ start: this.#receivedBytes, bytes: next.value });
    this.#receivedBytes += next.value.length;
    this.#forgetBefore(this.#receivedBytes - next.value.length - BUFFER_BYTES);
    this.#onBytes();
    return true;
  }

  #forgetBefore(position: number): void {
    while (this.#kept[1] !== undefined && this.#kept[1].start <= position) this.#kept.shift();
  }
}
