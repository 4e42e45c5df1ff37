/** Reads the fields of a protobuf message in their order. https://protobuf.dev/programming-guides/encoding/ */

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;

export type Field = {
  readonly number: number;
  /** Of a varint, a fixed32 or a fixed64. */
  readonly value: bigint;
  /** Of a string or a message. */
  readonly bytes: Uint8Array;
};

const NONE = new Uint8Array();

export function* fieldsOf(message: Uint8Array): Generator<Field> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = view.getUint8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    switch (tag & 7) {
      case VARINT:
        yield { number, value: varint(), bytes: NONE };
        break;
      case FIXED64:
        at += 8;
        yield { number, value: view.getBigUint64(at - 8, true), bytes: NONE };
        break;
      case BYTES: {
        const length = Number(varint());
        at += length;
        yield { number, value: 0n, bytes: message.subarray(at - length, at) };
        break;
      }
      default:
        at += 4;
        yield { number, value: BigInt(view.getUint32(at - 4, true)), bytes: NONE };
    }
  }
}

/** The fields of a message by their numbers. */
export class Message {
  readonly #fields: readonly Field[];

  constructor(bytes: Uint8Array) {
    this.#fields = [...fieldsOf(bytes)];
  }

  /** Strings or messages in all fields of the number. */
  all(number: number): readonly Uint8Array[] {
    return this.#fields.filter((field) => field.number === number).map(({ bytes }) => bytes);
  }

  has(number: number): boolean {
    return this.#field(number) !== undefined;
  }

  number(number: number): bigint {
    return this.#field(number)?.value ?? 0n;
  }

  text(number: number): string {
    return this.#buffer(number).toString();
  }

  hex(number: number): string {
    return this.#buffer(number).toString("hex");
  }

  #buffer(number: number): Buffer {
    const { buffer, byteOffset, byteLength } = this.#field(number)?.bytes ?? new Uint8Array();
    return Buffer.from(buffer, byteOffset, byteLength);
  }

  #field(number: number): Field | undefined {
    return this.#fields.find((field) => field.number === number);
  }
}
