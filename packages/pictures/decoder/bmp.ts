/** BMP, which libvips does not read. */
import { decode } from "bmp-ts";
import { FileError } from "../problem.ts";

const HEADER_SIZE_AT = 14;
/** OS/2's first header counts in 16 bits. */
const CORE_HEADER_BYTES = 12;
const LEAST_BYTES = 26;

type Size = { readonly width: number; readonly height: number };

/** As its header has it, which nothing else has been asked for yet. */
export function bmpSize(file: Uint8Array): Size {
  if (file.length < LEAST_BYTES) {
    throw new FileError({ code: "image_parse_error", message: "the file is cut off" });
  }
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const isCore = view.getUint32(HEADER_SIZE_AT, true) === CORE_HEADER_BYTES;
  const width = isCore ? view.getUint16(18, true) : view.getInt32(18, true);
  // Negative where the first row is the top one.
  const height = isCore ? view.getUint16(20, true) : Math.abs(view.getInt32(22, true));
  if (width <= 0 || height === 0) {
    const message = `its header says ${width} by ${height} pixels`;
    throw new FileError({ code: "image_parse_error", message });
  }
  return { width, height };
}

/** Red, green, blue and alpha of each pixel. */
export function bmpPixels(file: Uint8Array): Size & { readonly pixels: Uint8Array } {
  const { width, height, data } = decode(Buffer.from(file), { toRGBA: true });
  // Most have no alpha, and many of those with 32 bits a pixel have zeros in its place.
  if (isInvisible(data)) for (let at = 3; at < data.length; at += 4) data[at] = 255;
  return { width, height, pixels: data };
}

function isInvisible(rgba: Uint8Array): boolean {
  for (let at = 3; at < rgba.length; at += 4) if (rgba[at] !== 0) return false;
  return true;
}
