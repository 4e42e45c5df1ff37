/**
 * Rows of a BMP that are written as runs: so many pixels of one colour, or so many each with its own, and jumps over pixels
 * that nothing is said of.
 */
import type { ValueAt } from "./bmp.ts";
import { type BmpHeader, cutOff } from "./bmp-header.ts";

const END_OF_ROW = 0;
const END_OF_PICTURE = 1;
const JUMP = 2;

/** What nothing is said of has the palette's first colour. What runs beyond its row is left out. */
export function valuesInRuns(file: Uint8Array, header: BmpHeader): ValueAt {
  const { width, height, bits } = header;
  const values = new Uint8Array(width * height);
  const next = bytesFrom(file, header.pixelsAt);
  let [row, column] = [0, 0];
  const put = (value: number): void => {
    if (column < width) values[row * width + column] = value;
    column += 1;
  };
  while (row < height) {
    const count = next();
    const said = next();
    if (count > 0) for (let index = 0; index < count; index++) put(part(said, index, bits));
    else if (said === END_OF_PICTURE) break;
    else if (said === END_OF_ROW) [row, column] = [row + 1, 0];
    else if (said === JUMP) [column, row] = [column + next(), row + next()];
    else putEach(said, { bits, next, put });
  }
  return (at, of) => values[at * width + of] ?? 0;
}

type Reading = {
  readonly bits: number;
  readonly next: () => number;
  readonly put: (value: number) => void;
};

/** They end at a multiple of two bytes. */
function putEach(count: number, { bits, next, put }: Reading): void {
  const bytes = Math.ceil((count * bits) / 8);
  let byte = 0;
  for (let index = 0; index < count; index++) {
    if (bits === 8 || index % 2 === 0) byte = next();
    put(part(byte, index, bits));
  }
  if (bytes % 2 === 1) next();
}

/** Of 4 bits each, the upper half comes first. */
function part(byte: number, index: number, bits: number): number {
  if (bits === 8) return byte;
  return index % 2 === 0 ? byte >> 4 : byte & 15;
}

function bytesFrom(file: Uint8Array, start: number): () => number {
  let at = start;
  return () => {
    const byte = file[at];
    if (byte === undefined) throw cutOff();
    at += 1;
    return byte;
  };
}
