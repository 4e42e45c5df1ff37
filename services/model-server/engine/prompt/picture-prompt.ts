/** From pictures in a conversation to rows among its tokens: laid out first, and looked at only when all of it fits. */
import type { Picture } from "@localmodel/inference/picture.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import { type EncodedRows, type PictureChunk, type PlacedRows, rowTokens } from "./picture-rows.ts";
import { append } from "./text-tokens.ts";

/** What looks at pictures. */
export type PictureReader = {
  /** What a picture of this size becomes, without looking at it. @throws Failure for one that cannot be read */
  readonly layout: (picture: Picture) => readonly PictureChunk[];
  /** Of each chunk of rows in the layout, in order. @throws the signal's reason once aborted */
  readonly encode: (
    picture: Picture,
    signal: AbortSignal | undefined,
  ) => Promise<readonly EncodedRows[]>;
};

/** A chunk that was laid out. */
export type LaidRows = Omit<PlacedRows, "encoded">;

/** Puts what the picture becomes behind the tokens, and its chunks into `laid`. */
export function layPicture(
  picture: Picture,
  { index, reader }: { readonly index: number; readonly reader: PictureReader },
  { tokens, laid }: { readonly tokens: number[]; readonly laid: LaidRows[] },
): void {
  let chunk = 0;
  for (const part of reader.layout(picture)) {
    if (part.kind === "tokens") append(tokens, part.tokens);
    else {
      laid.push({ ...part, at: tokens.length, picture: index, chunk });
      append(tokens, rowTokens(picture.sha256, chunk, part));
      chunk += 1;
    }
  }
}

/** A template that leaves out what it was shown would have the model answer as if there had been nothing. */
export function requireAll(pictures: readonly Picture[], laid: readonly LaidRows[]): void {
  const shown = new Set(laid.map(({ picture }) => picture));
  const missing = pictures.find((_, index) => !shown.has(index));
  if (missing === undefined) return;
  throw invalidRequest(
    missing.field,
    "The model's chat template leaves out the image in this message. Put it into a message of the user.",
  );
}

/** Looks at the pictures, one after the other. `added`: tokens that came before all others since. */
export async function encodeRows(
  pictures: readonly Picture[],
  laid: readonly LaidRows[],
  {
    reader,
    signal,
    added,
  }: { reader: PictureReader; signal: AbortSignal | undefined; added: number },
): Promise<readonly PlacedRows[]> {
  const encoded: (readonly EncodedRows[])[] = [];
  for (const picture of pictures) encoded.push(await reader.encode(picture, signal));
  return laid.map((rows) => {
    const own = encoded[rows.picture]?.[rows.chunk];
    if (own === undefined) throw new Error(`Picture ${rows.picture} has no chunk ${rows.chunk}`);
    return { ...rows, at: rows.at + added, encoded: own };
  });
}
