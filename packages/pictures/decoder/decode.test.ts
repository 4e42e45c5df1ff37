import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import sharp from "sharp";
import {
  animated,
  flat,
  grey,
  HEIGHT,
  LOSSLESS,
  LOSSY,
  RGB,
  turned,
  WIDTH,
} from "../fixtures/sample-images.ts";
import type { FileError } from "../problem.ts";
import { decode, type DecodedPicture, within } from "./decode.ts";

const ANY_SIZE = 1_000_000;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

for (const [name, file] of Object.entries(LOSSLESS)) {
  test(`${name}: every pixel is what it was`, async () => {
    const { width, height, rgb } = await decode(await file(), ANY_SIZE);
    assert.deepEqual([width, height], [WIDTH, HEIGHT]);
    assert.equal(hex(rgb), hex(RGB));
  });
}

for (const [name, file] of Object.entries(LOSSY)) {
  test(`${name}: every pixel is about what it was`, async () => {
    const { width, height, rgb } = await decode(await file(), ANY_SIZE);
    assert.deepEqual([width, height], [WIDTH, HEIGHT]);
    const differences = rgb.map((value, index) => Math.abs(value - (RGB[index] ?? 0)));
    const mean = differences.reduce((sum, one) => sum + one, 0) / differences.length;
    assert.ok(mean < 40, `${mean}`);
  });
}

/** Of a picture with a corner of each colour, as it is when it was turned: from the top left, row by row. */
const CORNERS: Readonly<Record<number, string>> = {
  1: "red lime blue yellow",
  2: "lime red yellow blue",
  3: "yellow blue lime red",
  4: "blue yellow red lime",
  5: "red blue lime yellow",
  6: "blue red yellow lime",
  7: "yellow lime blue red",
  8: "lime yellow red blue",
};
for (const [orientation, corners] of Object.entries(CORNERS)) {
  test(`a photograph with orientation ${orientation} is upright, in every format that says so`, async () => {
    for (const format of ["jpeg", "png", "webp"] as const) {
      const file = cornered().withMetadata({ orientation: Number(orientation) });
      const { width, height, rgb } = await decode(await file.toFormat(format).toBuffer(), ANY_SIZE);
      assert.deepEqual([width, height], Number(orientation) < 5 ? [64, 32] : [32, 64], format);
      assert.equal(cornersOf({ width, height, rgb }).join(" "), corners, format);
    }
  });
}

test("a picture is turned as its camera says", async () => {
  const { width, height, rgb } = await decode(await turned(), ANY_SIZE);
  assert.deepEqual([width, height], [HEIGHT, WIDTH]);
  // The last row's first pixel comes to the top left.
  assert.equal(hex(rgb.subarray(0, 3)), hex(RGB.subarray(3 * 18, 3 * 18 + 3)));
});

test("grey has three equal colours", async () => {
  const { rgb } = await decode(await grey(), ANY_SIZE);
  assert.equal(rgb.length, RGB.length);
  for (let at = 0; at < rgb.length; at += 3) {
    assert.equal(rgb[at], rgb[at + 1]);
    assert.equal(rgb[at], rgb[at + 2]);
  }
});

test("colours for printers and colours of 16 bits become those of a screen", async () => {
  const red = sharp({ create: { width: 4, height: 2, channels: 3, background: "#ff0000" } });
  const printed = await red.clone().toColourspace("cmyk").jpeg({ quality: 100 }).toBuffer();
  const fine = await red.clone().toColourspace("rgb16").png().toBuffer();
  assert.equal((await sharp(printed).metadata()).space, "cmyk");
  assert.equal((await sharp(fine).metadata()).depth, "ushort");
  assert.equal(hex((await decode(fine, ANY_SIZE)).rgb), "ff0000".repeat(8));
  const { rgb } = await decode(printed, ANY_SIZE);
  assert.equal(rgb.length, 4 * 2 * 3);
  const [r = 0, g = 255, b = 255] = rgb;
  assert.ok(r > 200 && g < 60 && b < 60, hex(rgb.subarray(0, 3)));
});

test("what is transparent is seen on white", async () => {
  assert.equal(hex((await decode(await flat(1, 1, 0), ANY_SIZE)).rgb), "ffffff");
  assert.equal(hex((await decode(await flat(1, 1, 1), ANY_SIZE)).rgb), "ff0000");
  const shades = Buffer.from([0, 255, 0, 0]);
  const shaded = sharp(shades, { raw: { width: 2, height: 1, channels: 2 } });
  assert.equal(hex((await decode(await shaded.png().toBuffer(), ANY_SIZE)).rgb), "000000ffffff");
});

test("colours of a wide screen are those of a common one", async () => {
  const wide = sharp({ create: { width: 1, height: 1, channels: 3, background: "#c86432" } });
  const file = await wide.withIccProfile("p3").png().toBuffer();
  const [red = 0, green = 0, blue = 0] = (await decode(file, ANY_SIZE)).rgb;
  for (const [one, other] of [
    [red, 0xc8],
    [green, 0x64],
    [blue, 0x32],
  ] as const) {
    assert.ok(Math.abs(one - other) <= 3, `${red} ${green} ${blue}`);
  }
});

test("of an animation the first frame is seen", async () => {
  for (const format of ["gif", "webp"] as const) {
    const { width, height, rgb } = await decode(await animated(format), ANY_SIZE);
    assert.deepEqual([width, height], [4, 4], format);
    assert.ok((rgb[0] ?? 0) > 240 && (rgb[2] ?? 255) < 16, hex(rgb.subarray(0, 3)));
  }
});

test("a large picture is made smaller and keeps its shape", async () => {
  const { width, height, rgb } = await decode(await flat(400, 200), 20_000);
  assert.deepEqual([width, height], [200, 100]);
  assert.equal(rgb.length, 200 * 100 * 3);
});

test("no size has more pixels than it may, and none has a side of nothing", () => {
  const side = fc.integer({ min: 1, max: 32_768 });
  fc.assert(
    fc.property(side, side, fc.integer({ min: 1, max: 4_000_000 }), (width, height, most) => {
      const size = within(width, height, most) ?? { width, height };
      assert.ok(size.width >= 1 && size.height >= 1);
      assert.ok(size.width <= width && size.height <= height);
      assert.ok(size.width * size.height <= most);
    }),
    { numRuns: 2000 },
  );
});

test("a square has a pixel at least, however its side rounds", () => {
  for (let side = 2; side < 2000; side++) {
    assert.deepEqual(within(side, side, 1), { width: 1, height: 1 }, `${side}`);
  }
});

test("equal pixels have equal hashes, whatever format they came in", async () => {
  const [png, gif, other] = await Promise.all([
    decode(await LOSSLESS.png(), ANY_SIZE),
    decode(await LOSSLESS.gif(), ANY_SIZE),
    decode(await turned(), ANY_SIZE),
  ]);
  assert.equal(png.sha256, gif.sha256);
  assert.notEqual(png.sha256, other.sha256);
});

const COLOURS = { red: [255, 0, 0], lime: [0, 255, 0], blue: [0, 0, 255], yellow: [255, 255, 0] };

function cornered() {
  const [width, height] = [64, 32];
  const names = ["red", "lime", "blue", "yellow"] as const;
  const rgb = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
    const [row, column] = [Math.floor(at / 3 / width), Math.floor(at / 3) % width];
    const corner = names[(row < height / 2 ? 0 : 2) + (column < width / 2 ? 0 : 1)] ?? "red";
    return COLOURS[corner][at % 3] ?? 0;
  });
  return sharp(rgb, { raw: { width, height, channels: 3 } });
}

function cornersOf({ width, height, rgb }: Pick<DecodedPicture, "width" | "height" | "rgb">) {
  return [
    [0, 0],
    [0, width - 1],
    [height - 1, 0],
    [height - 1, width - 1],
  ].map(([row = 0, column = 0]) => {
    const seen = rgb.subarray(3 * (row * width + column), 3 * (row * width + column) + 3);
    const near = Object.entries(COLOURS).find(([, colour]) =>
      colour.every((part, index) => Math.abs(part - (seen[index] ?? 0)) < 64),
    );
    return near?.[0] ?? hex(seen);
  });
}

/** A PNG whose header claims a size. */
async function claiming(width: number, height: number): Promise<Buffer> {
  const png = await flat(1, 1);
  png.writeUInt32BE(width, 16);
  png.writeUInt32BE(height, 20);
  // The checksum of the header comes right behind it.
  const { crc32 } = await import("node:zlib");
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
  return png;
}

const REFUSED: readonly (readonly [
  name: string,
  file: () => Promise<Uint8Array>,
  code: string,
  words: RegExp,
])[] = [
  ["no bytes", async () => new Uint8Array(), "empty_image_file", /no bytes/],
  ["a PDF", async () => Buffer.from("%PDF-1.7"), "invalid_image_format", /a PDF\. Send PNG, JPEG/],
  ["an SVG", async () => Buffer.from("<svg/>"), "invalid_image_format", /SVG/],
  [
    "an SVG behind remarks",
    async () =>
      Buffer.from(
        `<?xml version="1.0"?>\n<!-- ${"made by hand ".repeat(40)}-->\n<!DOCTYPE svg>\n<svg/>`,
      ),
    "invalid_image_format",
    /an SVG, which is a drawing/,
  ],
  [
    "an AVIF",
    () =>
      sharp(RGB, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
        .avif()
        .toBuffer(),
    "invalid_image_format",
    /a HEIC or AVIF image\. Send PNG/,
  ],
  [
    "a TIFF",
    () =>
      sharp(RGB, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
        .tiff()
        .toBuffer(),
    "invalid_image_format",
    /a TIFF image/,
  ],
  [
    "a video",
    async () => Buffer.from("\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41", "latin1"),
    "invalid_image_format",
    /a video or a sound in MPEG-4's form/,
  ],
  [
    "what a server said instead",
    async () => Buffer.from('{"error": "not found"}'),
    "invalid_image_format",
    /a text in JSON/,
  ],
  ["words", async () => Buffer.from("a cat"), "invalid_image_format", /nothing of that kind/],
  ["50,000 by 50,000", () => claiming(50_000, 50_000), "image_too_large", /50000 by 50000/],
  ["1 by 40,000", () => claiming(1, 40_000), "image_too_large", /1 by 40000/],
  [
    "a PNG that is cut off",
    async () => (await LOSSLESS.png()).subarray(0, 80),
    "image_parse_error",
    /damaged or cut off/,
  ],
  [
    "a JPEG that is cut off",
    async () => (await LOSSY.jpeg()).subarray(0, -40),
    "image_parse_error",
    /damaged or cut off/,
  ],
];
for (const [name, file, code, words] of REFUSED) {
  test(`${name} is refused, and told what it is`, async () => {
    const bytes = await file();
    await assert.rejects(decode(bytes, ANY_SIZE), ({ problem }: FileError) => {
      assert.equal(problem.code, code);
      assert.match(problem.message, words);
      return true;
    });
  });
}
