/**
 * Native memory as typed arrays: what this process allocated for C, and what C lets it look at.
 *
 * A view that outlives its memory would read whatever came after. So every view is ended with what it looks at: it
 * then has length 0, and reading it gives undefined instead of someone else's bytes.
 */
import koffi from "koffi";
import { OwnershipError } from "./errors.ts";

/** A block that is ours until it is disposed of. */
export class NativeMemory implements Disposable {
  readonly bytes: number;
  #address: bigint;
  readonly #buffer: ArrayBuffer;

  constructor(bytes: number) {
    this.bytes = bytes;
    this.#address = koffi.alloc("uint8_t", bytes) as bigint;
    this.#buffer = koffi.view(this.#address, bytes);
    new Uint8Array(this.#buffer).fill(0);
  }

  get address(): bigint {
    if (this.#address === 0n) throw new OwnershipError("This native memory was freed");
    return this.#address;
  }

  uint8(offset = 0, length = this.bytes - offset): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer, offset, length);
  }

  int8(offset: number, length: number): Int8Array<ArrayBuffer> {
    return new Int8Array(this.#buffer, offset, length);
  }

  int32(offset: number, length: number): Int32Array<ArrayBuffer> {
    return new Int32Array(this.#buffer, offset, length);
  }

  float32(offset: number, length: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.#buffer, offset, length);
  }

  uint64(offset: number, length: number): BigUint64Array<ArrayBuffer> {
    return new BigUint64Array(this.#buffer, offset, length);
  }

  [Symbol.dispose](): void {
    if (this.#address === 0n) return;
    end(this.#buffer);
    koffi.free(this.#address);
    this.#address = 0n;
  }
}

/** Views of memory that C may reuse or free at a moment that is known: then `end` is called. */
export class Views {
  readonly #buffers: ArrayBuffer[] = [];

  float32(address: bigint, length: number): Float32Array<ArrayBuffer> {
    const buffer = koffi.view(address, length * Float32Array.BYTES_PER_ELEMENT);
    this.#buffers.push(buffer);
    return new Float32Array(buffer);
  }

  end(): void {
    for (const buffer of this.#buffers.splice(0)) end(buffer);
  }
}

/** Detaches the buffer: all arrays over it have length 0 from now on. The memory itself is not touched. */
function end(buffer: ArrayBuffer): void {
  if (!buffer.detached) buffer.transfer(0);
}
