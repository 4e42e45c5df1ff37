/**
 * What the head of a BMP says, of every version there is: how large the picture is, and how its pixels are written.
 *
 * Nothing in it is believed that the file's length contradicts, so that a few bytes cannot ask for memory.
 */
import { IMAGE_FORMATS } from "../image-format.ts";
import { FileError } from "../problem.ts";

/** Which bits of a pixel are one of its colours. */
export type Mask = { readonly shift: number; readonly max: number };

export type BmpHeader = {
  readonly width: number;
  readonly height: number;
  /** The first row of the file is the top one. */
  readonly isTopDown: boolean;
  /** Of a pixel. */
  readonly bits: number;
  /** Rows are written as runs of equal pixels. */
  readonly hasRuns: boolean;
  /** Red, green and blue of each colour that pixels have a number of; of the others, nothing. */
  readonly palette: Uint8Array;
  /** Red, green, blue and alpha, of pixels that are colours themselves. */
  readonly masks: readonly [Mask, Mask, Mask, Mask];
  readonly pixelsAt: number;
};

const SIZE_AT = 14;
/** OS/2's first header counts in 16 bits, and has colours of three bytes. */
const CORE_BYTES = 12;
const LEAST_BYTES = 26;
/** Masks are behind this header, and within all longer ones. */
const INFO_BYTES = 40;
const MASKS_AT = SIZE_AT + INFO_BYTES;

const PLAIN = 0;
const RUNS_OF_8_BITS = 1;
const RUNS_OF_4_BITS = 2;
const MASKED = 3;
const MASKED_WITH_ALPHA = 6;

/** What can be read of each way to write pixels. */
const BITS: Readonly<Record<number, readonly number[]>> = {
  [PLAIN]: [1, 2, 4, 8, 16, 24, 32],
  [RUNS_OF_8_BITS]: [8],
  [RUNS_OF_4_BITS]: [4],
  [MASKED]: [16, 32],
  [MASKED_WITH_ALPHA]: [16, 32],
};

type Fields = {
  readonly view: DataView;
  readonly headerBytes: number;
  readonly bits: number;
  readonly compression: number;
};

export function readBmpHeader(file: Uint8Array): BmpHeader {
  if (file.length < LEAST_BYTES) throw cutOff();
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headerBytes = view.getUint32(SIZE_AT, true);
  if (file.length < SIZE_AT + headerBytes) throw cutOff();
  const isCore = headerBytes === CORE_BYTES;
  const bits = view.getUint16(isCore ? 24 : 28, true);
  const compression = headerBytes >= 20 ? view.getUint32(30, true) : PLAIN;
  if (!isReadable(headerBytes, bits, compression)) {
    const message = `it is a BMP of a kind that is not read (${bits} bits, compression ${compression}). Send ${IMAGE_FORMATS}`;
    throw new FileError({ code: "invalid_image_format", message });
  }
  const fields = { view, headerBytes, bits, compression };
  return {
    ...sizeOf(view, isCore),
    bits,
    hasRuns: compression === RUNS_OF_8_BITS || compression === RUNS_OF_4_BITS,
    palette: paletteOf(file, fields),
    masks: masksOf(fields),
    pixelsAt: view.getUint32(10, true),
  };
}

function isReadable(headerBytes: number, bits: number, compression: number): boolean {
  const isHeader = headerBytes === CORE_BYTES || headerBytes >= 16;
  return isHeader && BITS[compression]?.includes(bits) === true;
}

function sizeOf(view: DataView, isCore: boolean) {
  const width = isCore ? view.getUint16(18, true) : view.getInt32(18, true);
  const height = isCore ? view.getUint16(20, true) : view.getInt32(22, true);
  if (width <= 0 || height === 0) {
    const message = `its header says ${width} by ${height} pixels`;
    throw new FileError({ code: "image_parse_error", message });
  }
  return { width, height: Math.abs(height), isTopDown: height < 0 };
}

function paletteOf(file: Uint8Array, { view, headerBytes, bits }: Fields): Uint8Array {
  if (bits > 8) return new Uint8Array();
  const said = headerBytes >= 36 ? view.getUint32(46, true) : 0;
  const colours = Math.min(said || 2 ** bits, 2 ** bits);
  const entryBytes = headerBytes === CORE_BYTES ? 3 : 4;
  const at = SIZE_AT + headerBytes;
  if (file.length < at + colours * entryBytes) throw cutOff();
  return Uint8Array.from({ length: colours * 3 }, (_, index) => {
    const [colour, channel] = [Math.floor(index / 3), index % 3];
    // Blue comes first.
    return file[at + colour * entryBytes + 2 - channel] ?? 0;
  });
}

function masksOf({ view, headerBytes, bits, compression }: Fields): BmpHeader["masks"] {
  if (compression !== MASKED && compression !== MASKED_WITH_ALPHA) {
    // What is left of 32 bits is alpha, or zeros.
    return bits === 16
      ? [mask(0x7c00), mask(0x3e0), mask(0x1f), mask(0)]
      : [mask(0xff0000), mask(0xff00), mask(0xff), mask(0xff000000)];
  }
  const hasAlpha = headerBytes >= 56 || compression === MASKED_WITH_ALPHA;
  const count = hasAlpha ? 4 : 3;
  if (view.byteLength < MASKS_AT + 4 * count) throw cutOff();
  const read = (index: number): Mask =>
    mask(index < count ? view.getUint32(MASKS_AT + 4 * index, true) : 0);
  return [read(0), read(1), read(2), read(3)];
}

function mask(bits: number): Mask {
  const shift = bits === 0 ? 0 : 31 - Math.clz32(bits & -bits);
  return { shift, max: bits >>> shift };
}

export function cutOff(): FileError {
  return new FileError({ code: "image_parse_error", message: "the file is cut off" });
}
