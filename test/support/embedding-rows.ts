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
const TOKENS = "tokenizer.ggml.tokens";

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
const Q5_0 = 6;
const Q8_0 = 8;
const BLOCK = 32;

/** Bytes of so many numbers, and how they are read, by the type's number. */
const FORMS: ReadonlyMap<number, Form> = new Map([
  [F16, { numbers: 1, bytes: 2, read: f16 }],
  [Q5_0, { numbers: BLOCK, bytes: 2 + BLOCK / 8 + BLOCK / 2, read: q5 }],
  [Q8_0, { numbers: BLOCK, bytes: 2 + BLOCK, read: q8 }],
]);

type Form = {
  readonly numbers: number;
  readonly bytes: number;
  /** The number at an index of the block that begins at `at`. */
  readonly read: (bytes: Buffer, at: number, index: number) => number;
};

export type EmbeddingRows = {
  readonly dimensions: number;
  readonly row: (token: number) => Float32Array;
  /** The token that is written so in the file, where a space is a dotted G. @throws where there is none */
  readonly tokenOf: (written: string) => number;
};

export async function readEmbeddingRows(path: string): Promise<EmbeddingRows> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const { start, dimensions, tokens, type, texts } = tableIn(buffer.subarray(0, bytesRead));
    const form = FORMS.get(type);
    if (form === undefined) throw new Error(`${TABLE} has type ${type}`);
    const rowBytes = (dimensions / form.numbers) * form.bytes;
    const bytes = Buffer.alloc(rowBytes * tokens);
    await file.read(bytes, 0, bytes.length, start);
    return {
      dimensions,
      tokenOf: (written) => {
        const token = texts.indexOf(written);
        if (token < 0) throw new Error(`${path} has no token ${written}`);
        return token;
      },
      row: (token) => {
        const row = bytes.subarray(rowBytes * token, rowBytes * (token + 1));
        return Float32Array.from({ length: dimensions }, (_, index) => {
          const block = Math.floor(index / form.numbers) * form.bytes;
          return form.read(row, block, index % form.numbers);
        });
      },
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
  const texts: string[] = [];
  for (let left = u64(); left > 0; left -= 1) {
    const name = text();
    const type = u32();
    if (name !== TOKENS) skip(type);
    else {
      at += 4;
      for (let more = u64(); more > 0; more -= 1) texts.push(text());
    }
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
  const start = Math.ceil(at / ALIGNMENT_BYTES) * ALIGNMENT_BYTES + found.offset;
  return { ...found, start, texts };
}

/** A scale and 32 small numbers. */
function q8(bytes: Buffer, at: number, index: number): number {
  return f16(bytes, at) * bytes.readInt8(at + 2 + index);
}

/** A scale, the fifth bits of 32 numbers, and their other four: of two numbers, 16 apart, in a byte. */
function q5(bytes: Buffer, at: number, index: number): number {
  const fifth = (bytes.readUInt32LE(at + 2) >>> index) & 1;
  const pair = bytes.readUInt8(at + 6 + (index % (BLOCK / 2)));
  const four = index < BLOCK / 2 ? pair & 15 : pair >> 4;
  return f16(bytes, at) * (four + 16 * fifth - 16);
}

function f16(bytes: Buffer, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getFloat16(at, true);
}
