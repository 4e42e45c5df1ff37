/**
 * Whether texts can fit at all, by their bytes: asked before anything is made of them.
 *
 * No token stands for more bytes than the longest of the vocabulary, so this refuses only what is certain, and costs next
 * to nothing where the answer is yes.
 */
import type { TextLimit } from "./text-tokens.ts";
import type { Share } from "./turnstile.ts";

const PIECE_CHARACTERS = 65_536;
/** Of one UTF-16 code unit in UTF-8. */
const BYTES_PER_CHARACTER_MAX = 3;

export async function haveRoom(
  texts: readonly string[],
  longestTokenBytes: number,
  { contextTokens, already = 0, signal }: TextLimit,
  share: Share,
): Promise<boolean> {
  const mostBytes = (contextTokens - already) * longestTokenBytes;
  const characters = texts.reduce((sum, { length }) => sum + length, 0);
  if (characters * BYTES_PER_CHARACTER_MAX <= mostBytes) return true;
  let bytes = 0;
  for (const text of texts) {
    for (let start = 0; start < text.length; start += PIECE_CHARACTERS) {
      await share.pause(signal);
      bytes += contentBytes(text.slice(start, start + PIECE_CHARACTERS));
      if (bytes > mostBytes) return false;
    }
  }
  return true;
}

/** Some tokenisers, and templates, make nothing of white space, however much of it there is. */
function contentBytes(piece: string): number {
  // A pair of surrogates that was cut in two would count for more than it is.
  const text = piece.replaceAll(/\s+|^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/g, "");
  return Buffer.byteLength(text);
}

/** Every text in what a chat says, however deep. */
export function textsIn(value: unknown, found: string[] = []): string[] {
  if (typeof value === "string") found.push(value);
  else if (typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      if (!Array.isArray(value)) found.push(key);
      textsIn(inner, found);
    }
  }
  return found;
}
