/**
 * Pictures and sounds among the tokens of a prompt.
 *
 * A picture is read as rows, which are evaluated where tokens would be. In the list of what a prompt consists of, and a
 * slot remembers, each row is a number below zero that is made from what the picture shows. So two prompts have a
 * beginning in common exactly as far as they show the same, and whoever compares, keeps and counts tokens need not know
 * of pictures.
 *
 * Rows come in chunks. A chunk's first row says that it is one, and how many positions the chunk takes: with M-RoPE
 * fewer than it has rows. A cache is never cut inside of a chunk.
 */
import { createHash } from "node:crypto";

/** A part of what a picture becomes. */
export type PictureChunk =
  | { readonly kind: "tokens"; readonly tokens: readonly number[] }
  | RowChunk;

type RowChunk = {
  readonly kind: "rows";
  readonly rows: number;
  /** How far the next token is behind the first row. */
  readonly positions: number;
  /** Its rows are evaluated at once, and attend to each other. */
  readonly whole: boolean;
};

/** What the rows of a chunk are to the model. */
export type EncodedRows = {
  /** Row by row. */
  readonly vectors: Float32Array;
  /** With M-RoPE three numbers for each row, relative to the chunk's first: time, height, width. Otherwise empty. */
  readonly places: Int32Array;
};

/** A chunk where it is in a prompt. */
export type PlacedRows = RowChunk & {
  /** Of its first row among the prompt's tokens. */
  readonly at: number;
  /** Index of the picture or sound among the prompt's, and of the chunk among its own. */
  readonly medium: number;
  /** What it is called to who reads along, such as "image 1". */
  readonly label: string;
  readonly chunk: number;
};

/** Of a first row: one bit that says so, so many of positions, and the rest of the hash. */
const POSITION_BITS = 16;
const FIRST_HASH_UNIT = 2 ** (POSITION_BITS + 1);
const FIRST_HASHES = 2 ** (52 - POSITION_BITS);
const HASHES = 2 ** 52 - 1;
const HASH_BYTES = 8;

export const ROW_POSITIONS_MAX = 2 ** POSITION_BITS - 1;

/** The numbers that stand for the rows of a picture's chunk. */
export function rowTokens(sha256: string, chunk: number, { rows, positions }: RowChunk): number[] {
  const hashes = createHash("shake256", { outputLength: rows * HASH_BYTES })
    .update(`${sha256} ${chunk}`)
    .digest();
  return Array.from({ length: rows }, (_, row) => {
    const hash = Number(hashes.readBigUInt64LE(row * HASH_BYTES) >> 12n);
    if (row > 0) return -(2 * (hash % HASHES) + 2);
    return -((hash % FIRST_HASHES) * FIRST_HASH_UNIT + 2 * positions + 1);
  });
}

export function isRow(token: number): boolean {
  return token < 0;
}

function isFirstRow(token: number): boolean {
  return token < 0 && token % 2 !== 0;
}

function isLaterRow(token: number | undefined): boolean {
  return token !== undefined && token < 0 && token % 2 === 0;
}

/** The most of the first `length` that does not end inside of a chunk; at the list's own end none is known to be whole. */
export function wholeLength(tokens: readonly number[], length: number): number {
  const last = tokens[length - 1];
  if (last === undefined || last >= 0) return length;
  if (length < tokens.length && !isLaterRow(tokens[length])) return length;
  let whole = length - 1;
  while (whole > 0 && !isFirstRow(tokens[whole] ?? 0)) whole -= 1;
  return whole;
}

/** The position behind the first `length`, of which no chunk is in parts. */
export function positionAfter(tokens: readonly number[], length: number): number {
  let position = 0;
  for (let index = 0; index < length; index += 1) {
    const token = tokens[index] ?? 0;
    if (token >= 0) position += 1;
    else if (isFirstRow(token)) position += ((-token % FIRST_HASH_UNIT) - 1) / 2;
  }
  return position;
}
