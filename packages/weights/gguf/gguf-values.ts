/**
 * Reads the values of a GGUF's metadata that are worth keeping: numbers, flags, short texts and short lists of
 * numbers. Of everything else (the vocabulary, mostly) only the length is kept.
 *
 * Values are read from the bytes that are really there, so a length that lies runs into the end of the file.
 */
import type { ByteCursor } from "./byte-cursor.ts";

export class GgufHeaderError extends Error {
  override readonly name = "GgufHeaderError";
}

/** A list or a text that was not kept. */
type Length = { readonly length: number };
export type GgufValue = number | boolean | string | readonly number[] | Length;

const STRING = 8;
const ARRAY = 9;
const MAX_TEXT_BYTES = 1024;
/** Lists with one number per layer are kept; models have tens or hundreds of layers. */
const MAX_NUMBERS = 1024;
const MAX_DEPTH = 4;

type NumberFormat = {
  readonly bytes: number;
  readonly read: (bytes: Buffer) => number | boolean;
};

/** By type number; strings (8) and arrays (9) have no fixed size. */
const NUMBERS: ReadonlyMap<number, NumberFormat> = new Map([
  [0, { bytes: 1, read: (it) => it.readUInt8() }],
  [1, { bytes: 1, read: (it) => it.readInt8() }],
  [2, { bytes: 2, read: (it) => it.readUInt16LE() }],
  [3, { bytes: 2, read: (it) => it.readInt16LE() }],
  [4, { bytes: 4, read: (it) => it.readUInt32LE() }],
  [5, { bytes: 4, read: (it) => it.readInt32LE() }],
  [6, { bytes: 4, read: (it) => it.readFloatLE() }],
  [7, { bytes: 1, read: (it) => it.readUInt8() !== 0 }],
  [10, { bytes: 8, read: (it) => Number(it.readBigUInt64LE()) }],
  [11, { bytes: 8, read: (it) => Number(it.readBigInt64LE()) }],
  [12, { bytes: 8, read: (it) => it.readDoubleLE() }],
] satisfies [number, NumberFormat][]);

export async function readValue(cursor: ByteCursor, type: number): Promise<GgufValue> {
  const format = NUMBERS.get(type);
  if (format !== undefined) return format.read(await cursor.bytes(format.bytes));
  if (type === STRING) return readText(cursor);
  if (type !== ARRAY) throw unknownType(type);
  const elementType = await cursor.uint32();
  const length = await cursor.uint64();
  const element = NUMBERS.get(elementType);
  if (element !== undefined && length <= MAX_NUMBERS) {
    const numbers: number[] = [];
    for (let index = 0; index < length; index += 1) {
      numbers.push(Number(element.read(await cursor.bytes(element.bytes))));
    }
    return numbers;
  }
  await skipElements(cursor, { type: elementType, length, depth: 1 });
  return { length: Number(length) };
}

async function readText(cursor: ByteCursor): Promise<string | Length> {
  const length = await cursor.uint64();
  if (length <= MAX_TEXT_BYTES) return (await cursor.bytes(Number(length))).toString("utf8");
  await cursor.skip(length);
  return { length: Number(length) };
}

type Elements = { readonly type: number; readonly length: bigint; readonly depth: number };

async function skipElements(cursor: ByteCursor, { type, length, depth }: Elements): Promise<void> {
  const format = NUMBERS.get(type);
  if (format !== undefined) return cursor.skip(length * BigInt(format.bytes));
  if ((type !== STRING && type !== ARRAY) || depth > MAX_DEPTH) throw unknownType(type);
  // Each element advances the cursor, so a wrong length runs into the end of the file.
  for (let index = 0n; index < length; index += 1n) {
    if (type === STRING) {
      await cursor.skip(await cursor.uint64());
    } else {
      const inner = { type: await cursor.uint32(), length: await cursor.uint64() };
      await skipElements(cursor, { ...inner, depth: depth + 1 });
    }
  }
}

function unknownType(type: number): GgufHeaderError {
  return new GgufHeaderError(`its metadata holds a value of the unknown type ${type}`);
}
