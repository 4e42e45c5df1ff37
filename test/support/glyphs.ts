/** A small bitmap font, and pictures drawn with it: what the tests' projector can read. */
import { createHash } from "node:crypto";
import type { Picture } from "@localmodel/inference/picture.ts";

/** Pixels of a side: of a glyph's square, and squares of a picture's side. */
export const GLYPH_PIXELS = 14;
export const GRID = 8;
const SIDE = GLYPH_PIXELS * GRID;

const COLUMNS = 5;
const ROWS = 7;
const SCALE = 2;
const LEFT = 2;

/** Seven rows of five dots, from the top: the bits of a number from 0 to 31 each. */
const DOTS: Readonly<Record<string, readonly number[]>> = {
  A: [14, 17, 17, 31, 17, 17, 17],
  B: [30, 17, 17, 30, 17, 17, 30],
  C: [14, 17, 16, 16, 16, 17, 14],
  D: [28, 18, 17, 17, 17, 18, 28],
  E: [31, 16, 16, 30, 16, 16, 31],
  F: [31, 16, 16, 30, 16, 16, 16],
  G: [14, 17, 16, 23, 17, 17, 15],
  H: [17, 17, 17, 31, 17, 17, 17],
  I: [14, 4, 4, 4, 4, 4, 14],
  J: [7, 2, 2, 2, 2, 18, 12],
  K: [17, 18, 20, 24, 20, 18, 17],
  L: [16, 16, 16, 16, 16, 16, 31],
  M: [17, 27, 21, 21, 17, 17, 17],
  N: [17, 25, 25, 21, 19, 19, 17],
  O: [14, 17, 17, 17, 17, 17, 14],
  P: [30, 17, 17, 30, 16, 16, 16],
  Q: [14, 17, 17, 17, 21, 18, 13],
  R: [30, 17, 17, 30, 20, 18, 17],
  S: [15, 16, 16, 14, 1, 1, 30],
  T: [31, 4, 4, 4, 4, 4, 4],
  U: [17, 17, 17, 17, 17, 17, 14],
  V: [17, 17, 17, 17, 17, 10, 4],
  W: [17, 17, 17, 21, 21, 21, 10],
  X: [17, 17, 10, 4, 10, 17, 17],
  Y: [17, 17, 10, 4, 4, 4, 4],
  Z: [31, 1, 2, 4, 8, 16, 31],
};

export const GLYPHS = Object.keys(DOTS);

/** Red, green and blue, each all or nothing. */
export const COLOURS = {
  red: [1, 0, 0],
  green: [0, 1, 0],
  blue: [0, 0, 1],
  yellow: [1, 1, 0],
  purple: [1, 0, 1],
  cyan: [0, 1, 1],
  white: [1, 1, 1],
  black: [0, 0, 0],
} as const satisfies Readonly<Record<string, readonly [number, number, number]>>;
export type Colour = keyof typeof COLOURS;

/** Whether a pixel of the glyph's square has ink. */
export function hasInk(glyph: string, x: number, y: number): boolean {
  const column = Math.floor((x - LEFT) / SCALE);
  const row = Math.floor(y / SCALE);
  if (column < 0 || column >= COLUMNS || row >= ROWS) return false;
  return (((DOTS[glyph]?.[row] ?? 0) >> (COLUMNS - 1 - column)) & 1) === 1;
}

/** Black on white, a line of up to eight letters in each row of squares. */
export function pictureOfText(lines: readonly string[]): Picture {
  return drawn((x, y) => {
    const glyph = lines[Math.floor(y / GLYPH_PIXELS)]?.[Math.floor(x / GLYPH_PIXELS)];
    const ink = glyph !== undefined && hasInk(glyph, x % GLYPH_PIXELS, y % GLYPH_PIXELS);
    return ink ? COLOURS.black : COLOURS.white;
  });
}

export function pictureOfColour(colour: Colour): Picture {
  return drawn(() => COLOURS[colour]);
}

/** As whoever decodes pictures hands them on. */
export function pictureOf(size: { width: number; height: number }, rgb: Uint8Array): Picture {
  const { width, height } = size;
  const sha256 = createHash("sha256").update(`${width}x${height}`).update(rgb).digest("hex");
  return { width, height, rgb, sha256, field: "messages[0].content[0]" };
}

function drawn(colourAt: (x: number, y: number) => readonly [number, number, number]): Picture {
  const rgb = new Uint8Array(3 * SIDE * SIDE);
  for (let at = 0; at < SIDE * SIDE; at += 1) {
    const colour = colourAt(at % SIDE, Math.floor(at / SIDE));
    rgb.set(
      colour.map((part) => 255 * part),
      3 * at,
    );
  }
  return pictureOf({ width: SIDE, height: SIDE }, rgb);
}
