/**
 * Reads the header of a GGUF, as much as is needed to know what the file claims to be and how long it
 * must be.
 *
 * Nothing in the file is believed: every count and length is checked against the bytes that are really
 * there, so a hostile or truncated header costs one pass over at most the file, and little memory. The
 * layout: magic, version, tensor count, key-value count, key-values, tensor infos, padding, tensor data.
 */
import { tensorBytes } from "./ggml-types.ts";
import type { ByteCursor } from "./byte-cursor.ts";

export const GGUF_MAGIC = "GGUF";

export type GgufHeader = {
  readonly version: number;
  readonly tensorCount: number;
  /** Length the file must at least have for all of its tensors. */
  readonly requiredBytes: number;
  readonly architecture?: string;
  /** Of a split GGUF: how many parts there are, and which one this is, from 0. */
  readonly splitCount?: number;
  readonly splitNumber?: number;
};

export class GgufHeaderError extends Error {
  override readonly name = "GgufHeaderError";
}

const MAX_TENSORS = 1 << 20;
const MAX_KEY_VALUES = 1 << 20;
const MAX_DIMENSIONS = 4; // GGML_MAX_DIMS
const DEFAULT_ALIGNMENT = 32;

/** Bytes of the fixed-size value types, by type number; strings (8) and arrays (9) vary. */
const VALUE_BYTES: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 4],
  [5, 4],
  [6, 4],
  [7, 1],
  [10, 8],
  [11, 8],
  [12, 8],
]);
const UINT16 = 2;
const UINT32 = 4;
const STRING = 8;
const ARRAY = 9;

type Wanted = { alignment?: number; architecture?: string; count?: number; number?: number };

export async function readGgufHeader(cursor: ByteCursor): Promise<GgufHeader> {
  if ((await cursor.bytes(4)).toString("latin1") !== GGUF_MAGIC) {
    throw new GgufHeaderError(`it does not start with "${GGUF_MAGIC}"`);
  }
  const version = await cursor.uint32();
  if (version === 0x02000000 || version === 0x03000000) {
    throw new GgufHeaderError("it is a big-endian GGUF, which this machine cannot use");
  }
  if (version !== 2 && version !== 3) {
    throw new GgufHeaderError(`its GGUF version is ${version}; supported are 2 and 3`);
  }
  const tensorCount = await count(cursor, "tensors", MAX_TENSORS);
  const keyValueCount = await count(cursor, "key-value pairs", MAX_KEY_VALUES);
  if (keyValueCount === 0) throw new GgufHeaderError("it has no metadata at all");

  const wanted = await readKeyValues(cursor, keyValueCount);
  const dataBytes = await readTensorInfos(cursor, tensorCount);
  const alignment = wanted.alignment ?? DEFAULT_ALIGNMENT;
  const dataStart = Math.ceil(cursor.offset / alignment) * alignment;
  return {
    version,
    tensorCount,
    requiredBytes: tensorCount === 0 ? cursor.offset : dataStart + dataBytes,
    ...(wanted.architecture === undefined ? {} : { architecture: wanted.architecture }),
    ...(wanted.count === undefined ? {} : { splitCount: wanted.count }),
    ...(wanted.number === undefined ? {} : { splitNumber: wanted.number }),
  };
}

async function readKeyValues(cursor: ByteCursor, keyValueCount: number): Promise<Wanted> {
  const wanted: Wanted = {};
  for (let index = 0; index < keyValueCount; index += 1) {
    const key = await readString(cursor, 1024);
    const type = await cursor.uint32();
    if (key === "general.alignment" && type === UINT32) {
      wanted.alignment = alignmentOf(await cursor.uint32());
    } else if (key === "general.architecture" && type === STRING) {
      wanted.architecture = await readString(cursor, 1024);
    } else if (key === "split.count" && type === UINT16) {
      wanted.count = await cursor.uint16();
    } else if (key === "split.no" && type === UINT16) {
      wanted.number = await cursor.uint16();
    } else {
      await skipValue(cursor, type);
    }
  }
  return wanted;
}

/** Returns the length of the tensor data: where the last byte of any tensor lies. */
async function readTensorInfos(cursor: ByteCursor, tensorCount: number): Promise<number> {
  let end = 0n;
  for (let index = 0; index < tensorCount; index += 1) {
    const name = await readString(cursor, 4096);
    const dimensions = await cursor.uint32();
    if (dimensions > MAX_DIMENSIONS) {
      throw new GgufHeaderError(`tensor "${name}" claims ${dimensions} dimensions`);
    }
    let elements = 1n;
    for (let axis = 0; axis < dimensions; axis += 1) elements *= await cursor.uint64();
    const type = await cursor.uint32();
    const tensorEnd = (await cursor.uint64()) + tensorBytes(type, elements);
    if (tensorEnd > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new GgufHeaderError(`tensor "${name}" claims an impossible size`);
    }
    if (tensorEnd > end) end = tensorEnd;
  }
  return Number(end);
}

async function skipValue(cursor: ByteCursor, type: number, depth = 0): Promise<void> {
  const fixed = VALUE_BYTES.get(type);
  if (fixed !== undefined) return cursor.skip(BigInt(fixed));
  if (type === STRING) return cursor.skip(await cursor.uint64());
  if (type !== ARRAY || depth > 4) {
    throw new GgufHeaderError(`its metadata holds a value of the unknown type ${type}`);
  }
  const elementType = await cursor.uint32();
  const length = await cursor.uint64();
  const elementBytes = VALUE_BYTES.get(elementType);
  if (elementBytes !== undefined) return cursor.skip(length * BigInt(elementBytes));
  // Each element advances the cursor, so a wrong length runs into the end of the file.
  for (let index = 0n; index < length; index += 1n) await skipValue(cursor, elementType, depth + 1);
}

async function readString(cursor: ByteCursor, maxLength: number): Promise<string> {
  const length = await cursor.uint64();
  if (length > BigInt(maxLength)) {
    throw new GgufHeaderError(`its metadata holds a name of ${length} bytes`);
  }
  return (await cursor.bytes(Number(length))).toString("utf8");
}

async function count(cursor: ByteCursor, what: string, limit: number): Promise<number> {
  const value = await cursor.uint64();
  if (value > BigInt(limit)) throw new GgufHeaderError(`it claims to have ${value} ${what}`);
  return Number(value);
}

function alignmentOf(value: number): number {
  if (value === 0 || value > 1 << 24 || (value & (value - 1)) !== 0) {
    throw new GgufHeaderError(`its alignment is ${value}; it must be a power of two`);
  }
  return value;
}
