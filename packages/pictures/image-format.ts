/**
 * What the bytes of a file are, by how they begin. What a client calls them is not asked: browsers and cameras get it
 * wrong, and a decoder that believed it could be led to formats that nobody meant to offer.
 */

type ImageFormat = "png" | "jpeg" | "webp" | "gif" | "bmp";

export const IMAGE_FORMATS = "PNG, JPEG, WebP, GIF or BMP";

type Signature = { readonly at: number; readonly bytes: string };

const FORMATS: readonly (readonly [ImageFormat, readonly Signature[]])[] = [
  ["png", [{ at: 0, bytes: "\x89PNG\r\n\x1a\n" }]],
  ["jpeg", [{ at: 0, bytes: "\xff\xd8\xff" }]],
  [
    "webp",
    [
      { at: 0, bytes: "RIFF" },
      { at: 8, bytes: "WEBP" },
    ],
  ],
  ["gif", [{ at: 0, bytes: "GIF8" }]],
  ["bmp", [{ at: 0, bytes: "BM" }]],
];

/** Brands of files in MPEG-4's form that are pictures. */
const STILL_BRANDS = "heic heix heim heis hevc hevx mif1 msf1 avif avis".split(" ");

/** What people send instead, in words that tell them so; the first that fits. */
const OTHERS: readonly (readonly [string, readonly Signature[]])[] = [
  ["a PDF", [{ at: 0, bytes: "%PDF" }]],
  ...STILL_BRANDS.map(
    (brand) => ["a HEIC or AVIF image", [{ at: 4, bytes: `ftyp${brand}` }]] as const,
  ),
  ["a video or a sound in MPEG-4's form", [{ at: 4, bytes: "ftyp" }]],
  ["a TIFF image", [{ at: 0, bytes: "II*\0" }]],
  ["a TIFF image", [{ at: 0, bytes: "MM\0*" }]],
  ["a TIFF image", [{ at: 0, bytes: "II+\0" }]],
  ["a TIFF image", [{ at: 0, bytes: "MM\0+" }]],
  ["a JPEG XL image", [{ at: 0, bytes: "\xff\x0a" }]],
  ["a JPEG XL image", [{ at: 4, bytes: "JXL " }]],
  ["a JPEG 2000 image", [{ at: 4, bytes: "jP  " }]],
  ["an icon (ICO)", [{ at: 0, bytes: "\0\0\x01\0" }]],
  ["a PSD file", [{ at: 0, bytes: "8BPS" }]],
  ["a ZIP archive or an Office document", [{ at: 0, bytes: "PK\x03\x04" }]],
  ["compressed with gzip", [{ at: 0, bytes: "\x1f\x8b" }]],
  ["a video or a sound in Matroska's form", [{ at: 0, bytes: "\x1a\x45\xdf\xa3" }]],
  ["a sound (WAV)", [{ at: 8, bytes: "WAVE" }]],
  ["a sound (MP3)", [{ at: 0, bytes: "ID3" }]],
  ["a sound (Ogg)", [{ at: 0, bytes: "OggS" }]],
];

export function imageFormatOf(file: Uint8Array): ImageFormat | undefined {
  return FORMATS.find(([, signatures]) => hasAll(file, signatures))?.[0];
}

/** Of bytes that are no image we read: a clause for a person. */
export function whatElse(file: Uint8Array): string {
  const known = OTHERS.find(([, signatures]) => hasAll(file, signatures))?.[0];
  if (known !== undefined) return known;
  return textKind(Buffer.from(file.subarray(0, TEXT_BYTES)).toString("utf8"));
}

/** Drawings may begin with remarks and with what made them. */
const TEXT_BYTES = 1024;

function textKind(beginning: string): string {
  const text = beginning.trimStart().toLowerCase();
  if (text.startsWith("<!doctype html") || text.startsWith("<html")) return "a web page (HTML)";
  if (text.startsWith("<") && text.includes("<svg"))
    return "an SVG, which is a drawing and has no pixels";
  if (text.startsWith("{")) return "a text in JSON";
  if (text.startsWith("data:")) return "the text of another data URL";
  return "nothing of that kind";
}

function hasAll(file: Uint8Array, signatures: readonly Signature[]): boolean {
  return signatures.every(({ at, bytes }) => {
    const expected = Buffer.from(bytes, "latin1");
    return expected.equals(file.subarray(at, at + expected.length));
  });
}
