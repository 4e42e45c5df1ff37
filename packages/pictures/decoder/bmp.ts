/**
 * BMP, which libvips does not read: from a file to red, green, blue and alpha of each pixel, the top row first.
 *
 * A pixel is a value of some bits: a colour itself, or the number of one in the file's palette.
 */
import { type BmpHeader, cutOff, type Mask } from "./bmp-header.ts";
import { valuesInRuns } from "./bmp-runs.ts";

const CHANNELS = 4;
const OPAQUE = 255;

/** Of a pixel in the file's own order of rows. */
export type ValueAt = (row: number, column: number) => number;
type Write = (value: number, at: number) => void;

export function bmpPixels(file: Uint8Array, header: BmpHeader): Uint8Array {
  const { width, height, isTopDown, bits } = header;
  const valueAt = header.hasRuns ? valuesInRuns(file, header) : valuesInRows(file, header);
  const pixels = new Uint8Array(width * height * CHANNELS);
  const write = bits <= 8 ? numberedColours(header, pixels) : ownColours(header, pixels);
  for (let row = 0; row < height; row++) {
    const line = isTopDown ? row : height - 1 - row;
    for (let column = 0; column < width; column++) {
      write(valueAt(row, column), (line * width + column) * CHANNELS);
    }
  }
  // Many of those with 32 bits a pixel have zeros in alpha's place, and mean nothing by it.
  if (isInvisible(pixels)) {
    for (let at = CHANNELS - 1; at < pixels.length; at += CHANNELS) pixels[at] = OPAQUE;
  }
  return pixels;
}

/** Rows end at multiples of four bytes; what is behind the last one's pixels may be missing. */
function valuesInRows(file: Uint8Array, { width, height, bits, pixelsAt }: BmpHeader): ValueAt {
  const usedBytes = Math.ceil((width * bits) / 8);
  const rowBytes = Math.ceil(usedBytes / 4) * 4;
  if (file.length < pixelsAt + rowBytes * (height - 1) + usedBytes) throw cutOff();
  const byte = (at: number): number => file[at] ?? 0;
  if (bits < 8) {
    return (row, column) => {
      const bit = column * bits;
      const shift = 8 - bits - (bit % 8);
      return (byte(pixelsAt + row * rowBytes + Math.floor(bit / 8)) >> shift) & (2 ** bits - 1);
    };
  }
  const bytes = bits / 8;
  return (row, column) => {
    const at = pixelsAt + row * rowBytes + column * bytes;
    let value = 0;
    for (let index = bytes - 1; index >= 0; index--) value = value * 256 + byte(at + index);
    return value;
  };
}

function numberedColours({ palette }: BmpHeader, pixels: Uint8Array): Write {
  return (value, at) => {
    // One that the palette does not have is black.
    pixels.set(palette.subarray(value * 3, value * 3 + 3), at);
    pixels[at + 3] = OPAQUE;
  };
}

function ownColours({ masks }: BmpHeader, pixels: Uint8Array): Write {
  return (value, at) => {
    for (const [index, mask] of masks.entries()) pixels[at + index] = channel(value, mask);
  };
}

function channel(value: number, { shift, max }: Mask): number {
  return max === 0 ? 0 : Math.round((((value >>> shift) & max) * 255) / max);
}

function isInvisible(rgba: Uint8Array): boolean {
  for (let at = CHANNELS - 1; at < rgba.length; at += CHANNELS) if (rgba[at] !== 0) return false;
  return true;
}
