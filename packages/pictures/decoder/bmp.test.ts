/** BMPs: one picture in every way that its pixels may be written, and what is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bmp, palettedBmp, plainBmp, type Rgb, runsBmp } from "../fixtures/sample-bmps.ts";
import type { FileError } from "../problem.ts";
import { decode } from "./decode.ts";

const ANY_SIZE = 1_000_000;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** Rows that are no multiple of anything, and fifteen colours. */
const PICTURE: Rgb = {
  width: 5,
  height: 3,
  rgb: Uint8Array.from({ length: 5 * 3 * 3 }, (_, index) => (index * 41) % 256),
};

const topDown = { isTopDown: true };
const FILES: Record<string, Buffer> = {
  "24 bits": plainBmp(PICTURE, 24),
  "24 bits, the top row first": plainBmp(PICTURE, 24, topDown),
  "24 bits behind a gap": plainBmp(PICTURE, 24, { gapBytes: 10 }),
  "32 bits": plainBmp(PICTURE, 32),
  "32 bits with nothing for alpha": plainBmp(PICTURE, 32, { alpha: 0 }),
  "32 bits in masks": plainBmp(PICTURE, 32, { compression: 3, masks: [0xff0000, 0xff00, 0xff] }),
  "8 bits": palettedBmp(PICTURE, 8),
  "8 bits, the top row first": palettedBmp(PICTURE, 8, topDown),
  "4 bits": palettedBmp(PICTURE, 4),
  "runs of 8 bits": runsBmp(PICTURE, 8),
  "runs of 4 bits": runsBmp(PICTURE, 4),
};
for (const [name, file] of Object.entries(FILES)) {
  test(`a BMP of ${name}: every pixel is what it was`, async () => {
    const { width, height, rgb } = await decode(file, ANY_SIZE);
    assert.deepEqual([width, height], [PICTURE.width, PICTURE.height]);
    assert.equal(hex(rgb), hex(PICTURE.rgb));
  });
}

test("a BMP of one bit has two colours", async () => {
  const palette = Buffer.from([0, 0, 255, 0, 255, 0, 0, 0]);
  const rows = Buffer.from([0b0101_0101, 0b1000_0000, 0, 0]);
  const { rgb } = await decode(bmp({ width: 9, height: 1 }, { bits: 1, palette }, rows), ANY_SIZE);
  const [red, blue] = ["ff0000", "0000ff"];
  assert.equal(hex(rgb), `${red}${blue}`.repeat(4) + blue);
});

test("a BMP of 16 bits has colours of five and six bits, all the way to white", async () => {
  const size = { width: 2, height: 1 };
  const pixels = Buffer.from([0xff, 0xff, 0x1f, 0x00]);
  const masks = [0xf800, 0x7e0, 0x1f];
  for (const head of [{ bits: 16, compression: 3, masks }, { bits: 16 }]) {
    const { rgb } = await decode(bmp(size, head, pixels), ANY_SIZE);
    assert.equal(hex(rgb), "ffffff0000ff");
  }
});

test("a BMP that jumps over pixels has the first colour there", async () => {
  const palette = Buffer.from([0, 0, 255, 0, 255, 0, 0, 0]);
  // Two to the right; a pixel; the end, with a row that nothing was said of.
  const pixels = Buffer.from([0, 2, 2, 0, 1, 1, 0, 1]);
  const head = { bits: 8, compression: 1, palette };
  const { rgb } = await decode(bmp({ width: 3, height: 2 }, head, pixels), ANY_SIZE);
  const [red, blue] = ["ff0000", "0000ff"];
  assert.equal(hex(rgb), red.repeat(3) + red.repeat(2) + blue);
});

test("a BMP of OS/2's first kind is read", async () => {
  const file = Buffer.alloc(26 + 8);
  file.write("BM");
  file.writeUInt32LE(26, 10);
  file.writeUInt32LE(12, 14);
  for (const [at, value] of [
    [18, 1],
    [20, 2],
    [22, 1],
    [24, 24],
  ] as const) {
    file.writeUInt16LE(value, at);
  }
  file.set([1, 2, 3, 0, 4, 5, 6, 0], 26);
  assert.equal(hex((await decode(file, ANY_SIZE)).rgb), "060504030201");
});

const size = { width: 7000, height: 7000 };
const few = Buffer.alloc(16);
const REFUSED: readonly (readonly [name: string, file: Buffer, code: string, words: RegExp])[] = [
  ["of nothing but a name", Buffer.from("BM"), "image_parse_error", /cut off/],
  ["with fewer pixels than it says", bmp(size, { bits: 1 }, few), "image_parse_error", /cut off/],
  [
    "whose last row is cut off",
    plainBmp(PICTURE, 24).subarray(0, -2),
    "image_parse_error",
    /cut off/,
  ],
  ["whose runs have no end", runsBmp(PICTURE, 8).subarray(0, -3), "image_parse_error", /cut off/],
  ["of no width", bmp({ width: 0, height: 1 }, { bits: 24 }, few), "image_parse_error", /0 by 1/],
  [
    "that holds a PNG",
    bmp({ width: 1, height: 1 }, { bits: 24, compression: 5 }, few),
    "invalid_image_format",
    /compression 5\)\. Send PNG/,
  ],
  [
    "of seven bits",
    bmp({ width: 1, height: 1 }, { bits: 7 }, few),
    "invalid_image_format",
    /7 bits/,
  ],
];
for (const [name, file, code, words] of REFUSED) {
  test(`a BMP ${name} is refused`, async () => {
    await assert.rejects(decode(file, ANY_SIZE), ({ problem }: FileError) => {
      assert.equal(problem.code, code);
      assert.match(problem.message, words);
      return true;
    });
  });
}
