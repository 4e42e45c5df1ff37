/**
 * Data URLs (RFC 2397) as clients send images in them: base64, strictly, but for white space, which some break lines
 * with, and for what was escaped to be part of a URL. What kind of file one says it is means nothing: its bytes say that.
 */

const HEAD = /^data:([^,;]{0,127})((?:;[^,;]{0,127}){0,8}),/i;
const IS_BASE64 = /; *base64 *$/i;
const PERCENT = 0x25;
const HEAD_MAX_CHARACTERS = 1024;
const WHITE_SPACE = /[\t\n\f\r ]+/g;

type DataUrl =
  | { readonly type: "file"; readonly bytes: Uint8Array; readonly mediaType: string }
  | { readonly type: "wrong"; readonly message: string };

export function isDataUrl(url: string): boolean {
  return /^data:/i.test(url.slice(0, 8));
}

/** `message` is a sentence without its end, about "it". */
export function readDataUrl(url: string): DataUrl {
  const head = HEAD.exec(url.slice(0, HEAD_MAX_CHARACTERS));
  if (head === null || !IS_BASE64.test(head[2] ?? "")) {
    const message = "its data URL does not begin with 'data:', a media type and ';base64,'";
    return { type: "wrong", message };
  }
  const text = url.slice(head[0].length);
  const bytes = fromBase64(text) ?? (text.includes("%") ? fromBase64(unescaped(text)) : undefined);
  if (bytes === undefined) return { type: "wrong", message: "its data is not valid base64" };
  return { type: "file", bytes, mediaType: (head[1] ?? "").trim().toLowerCase() };
}

/**
 * Undefined for what is no base64, in the alphabet of files or that of URLs, with or without padding.
 *
 * Node's decoder leaves out what it does not know, so what it found is compared with what there should be: one byte less
 * for every character that was none.
 */
export function fromBase64(text: string): Uint8Array | undefined {
  return exactly(text) ?? exactly(text.replaceAll(WHITE_SPACE, ""));
}

function exactly(text: string): Uint8Array | undefined {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const characters = text.length - padding;
  // One character more than groups of four is six bits of a byte.
  if (characters % 4 === 1) return undefined;
  const bytes = Buffer.from(text, "base64");
  return bytes.length === Math.floor((characters * 3) / 4) ? bytes : undefined;
}

/** Byte by byte: V8 takes seconds to replace some million escapes in a text. */
function unescaped(text: string): string {
  const bytes = Buffer.from(text, "latin1");
  let end = 0;
  for (let at = 0; at < bytes.length; at += 1, end += 1) {
    const byte = bytes[at] ?? 0;
    const escaped =
      byte === PERCENT ? 16 * digit(bytes[at + 1]) + digit(bytes[at + 2]) : Number.NaN;
    bytes[end] = Number.isNaN(escaped) ? byte : escaped;
    if (!Number.isNaN(escaped)) at += 2;
  }
  return bytes.toString("latin1", 0, end);
}

/** Of a hexadecimal digit's character. */
function digit(character = 0): number {
  if (character >= 0x30 && character <= 0x39) return character - 0x30;
  const letter = character | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : Number.NaN;
}
