/**
 * The embeddings of single tokens, out of a model's file: what the tests' projector makes pictures of.
 *
 * It reads the few forms that the tests' models have their embeddings in.
 */
/// <reference lib="esnext.float16" />
import { open } from "node:fs/promises";

const ALIGNMENT_BYTES = 32;
const HEAD_BYTES = 64 * 2 ** 20;
const TABLE = "token_embd.weight";

/** Bytes of a value, by the type's number; 8 is text, 9 a list. */
const VALUE_BYTES: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};
const TEXT = 8;
const LIST = 9;

const F16 = 1;
const Q8_0 = 8;
const BLOCK = 32;

export type EmbeddingRows = {
  readonly dimensions: number;
  readonly row: (token: number) => Float32Array;
};

export async function readEmbeddingRows(path: string): Promise<EmbeddingRows> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const { start, dimensions, tokens, type } = tableIn(buffer.subarray(0, bytesRead));
    const rowBytes = type === Q8_0 ? (dimensions / BLOCK) * (2 + BLOCK) : 2 * dimensions;
    const bytes = Buffer.alloc(rowBytes * tokens);
    await file.read(bytes, 0, bytes.length, start);
    const rowOf = type === Q8_0 ? q8Row : f16Row;
    return {
      dimensions,
      row: (token) => rowOf(bytes.subarray(rowBytes * token, rowBytes * (token + 1)), dimensions),
    };
  } finally {
    await file.close();
  }
}

function tableIn(head: Buffer) {
  let at = 8;
  const u32 = (): number => head.readUInt32LE((at += 4) - 4);
  const u64 = (): number => Number(head.readBigUInt64LE((at += 8) - 8));
  const text = (): string => {
    const length = u64();
    return head.toString("utf8", at, (at += length));
  };
  const skip = (type: number): void => {
    if (type === TEXT) text();
    else if (type === LIST) {
      const element = u32();
      for (let left = u64(); left > 0; left -= 1) skip(element);
    } else at += VALUE_BYTES[type] ?? Number.NaN;
  };
  const tensors = u64();
  for (let left = u64(); left > 0; left -= 1) {
    text();
    skip(u32());
  }
  let found: { dimensions: number; tokens: number; type: number; offset: number } | undefined;
  for (let left = tensors; left > 0; left -= 1) {
    const name = text();
    const [dimensions = 0, tokens = 0] = Array.from({ length: u32() }, () => u64());
    const type = u32();
    const offset = u64();
    if (name === TABLE) found = { dimensions, tokens, type, offset };
  }
  if (found === undefined) throw new Error(`The file has no ${TABLE}`);
  if (found.type !== F16 && found.type !== Q8_0) throw new Error(`${TABLE} has type ${found.type}`);
  const start = Math.ceil(at / ALIGNMENT_BYTES) * ALIGNMENT_BYTES + found.offset;
  return { ...found, start };
}

function f16Row(bytes: Buffer, dimensions: number): Float32Array {
  return Float32Array.from({ length: dimensions }, (_, at) => f16(bytes, 2 * at));
}

/** Blocks of a scale and 32 small numbers. */
function q8Row(bytes: Buffer, dimensions: number): Float32Array {
  return Float32Array.from({ length: dimensions }, (_, at) => {
    const block = Math.floor(at / BLOCK) * (2 + BLOCK);
    return f16(bytes, block) * bytes.readInt8(block + 2 + (at % BLOCK));
  });
}

function f16(bytes: Buffer, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getFloat16(at, true);
}
