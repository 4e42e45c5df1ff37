/**
 * From a file to pixels, by libvips. Only the process that is there for it imports this: a decoder that is led astray
 * takes nothing along.
 *
 * What comes out is what a person sees: upright as the camera says, in sRGB, on white where it is transparent, of an
 * animation its first frame. A picture that is not too large keeps its pixels as they are.
 */
import { createHash } from "node:crypto";
import sharp, { type Sharp } from "sharp";
import { IMAGE_FORMATS, imageFormatOf, whatElse } from "../image-format.ts";
import { FileError } from "../problem.ts";
import { bmpPixels } from "./bmp.ts";
import { readBmpHeader } from "./bmp-header.ts";
import { BYTES_PER_PIXEL, SOURCE_MAX_PIXELS, SOURCE_MAX_SIDE_PIXELS } from "./limits.ts";

export type DecodedPicture = {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
  readonly sha256: string;
};

// Nothing is decoded twice, and the cores are the model's.
sharp.cache(false);
sharp.concurrency(1);

const OPTIONS = {
  limitInputPixels: SOURCE_MAX_PIXELS,
  sequentialRead: true,
  // Warnings are about profiles and remarks in a file; what is cut off is none.
  failOn: "error",
  pages: 1,
} as const;

export async function decode(file: Uint8Array, maxPixels: number): Promise<DecodedPicture> {
  try {
    return await pixelsOf(await sourceOf(file), maxPixels);
  } catch (error) {
    throw error instanceof FileError ? error : damaged(error);
  }
}

async function sourceOf(file: Uint8Array): Promise<Sharp> {
  if (file.length === 0) {
    throw new FileError({ code: "empty_image_file", message: "it has no bytes" });
  }
  const format = imageFormatOf(file);
  if (format === undefined) {
    const message = `it is ${whatElse(file)}. Send ${IMAGE_FORMATS}`;
    throw new FileError({ code: "invalid_image_format", message });
  }
  if (format !== "bmp") {
    requireReasonable(await sharp(file, { ...OPTIONS, limitInputPixels: false }).metadata());
    return sharp(file, OPTIONS);
  }
  const header = readBmpHeader(file);
  requireReasonable(header);
  const { width, height } = header;
  return sharp(bmpPixels(file, header), { ...OPTIONS, raw: { width, height, channels: 4 } });
}

function requireReasonable({ width, height }: { readonly width: number; readonly height: number }) {
  const isLong = Math.max(width, height) > SOURCE_MAX_SIDE_PIXELS;
  if (!isLong && width * height <= SOURCE_MAX_PIXELS) return;
  const message =
    `it is ${width} by ${height} pixels, and at most ${SOURCE_MAX_PIXELS / 1e6} megapixels are decoded, ` +
    `of ${SOURCE_MAX_SIDE_PIXELS} on a side. Send a smaller one: models look at far fewer`;
  throw new FileError({ code: "image_too_large", message });
}

async function pixelsOf(source: Sharp, maxPixels: number): Promise<DecodedPicture> {
  const upright = (await source.metadata()).autoOrient;
  const size = within(upright.width, upright.height, maxPixels);
  const seen = source
    .autoOrient()
    .flatten({ background: "#ffffff" })
    .toColourspace("srgb")
    .removeAlpha();
  const sized = size === undefined ? seen : seen.resize({ ...size, fit: "fill" });
  const { data, info } = await sized.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const rgb = channels === 1 ? tripled(data) : data;
  if (rgb.length !== width * height * BYTES_PER_PIXEL) {
    throw damaged(`it has ${channels} channels of colour`);
  }
  return { width, height, rgb, sha256: hashOf(rgb, width, height) };
}

/** The largest size of the same shape that has no more pixels; undefined for what is small enough as it is. */
export function within(width: number, height: number, maxPixels: number) {
  if (width * height <= maxPixels) return undefined;
  const scale = Math.sqrt(maxPixels / (width * height));
  const shorter = Math.max(1, Math.floor(Math.min(width, height) * scale));
  const longer = Math.min(
    Math.max(1, Math.floor(Math.max(width, height) * scale)),
    Math.floor(maxPixels / shorter),
  );
  return width < height ? { width: shorter, height: longer } : { width: longer, height: shorter };
}

/** Shades of grey, as they are where nothing made colours of them. */
function tripled(grey: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(grey.length * BYTES_PER_PIXEL);
  for (const [index, shade] of grey.entries()) {
    rgb.fill(shade, index * BYTES_PER_PIXEL, (index + 1) * BYTES_PER_PIXEL);
  }
  return rgb;
}

function hashOf(rgb: Uint8Array, width: number, height: number): string {
  return createHash("sha256").update(`${width}x${height}:`).update(rgb).digest("hex");
}

/** Libraries say where in a file they were, in words for who made it; a line of that is enough. */
function damaged(reason: unknown): FileError {
  const text = reason instanceof Error ? reason.message : String(reason);
  const [line = ""] = text.split("\n");
  const message = `the file is damaged or cut off (${line.slice(0, 200)})`;
  return new FileError({ code: "image_parse_error", message });
}
