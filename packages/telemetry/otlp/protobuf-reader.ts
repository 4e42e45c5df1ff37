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
  /** Of tags and lengths. */
  const short = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = view.getUint8(at++);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = view.getUint8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = short();
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
        const length = short();
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

/** Strings or messages in all fields of a number. */
export function bytesIn(message: Uint8Array, number: number): readonly Uint8Array[] {
  return [...fieldsOf(message)]
    .filter((field) => field.number === number)
    .map(({ bytes }) => bytes);
}
