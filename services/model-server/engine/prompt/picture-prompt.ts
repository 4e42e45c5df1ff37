/**
 * From pictures and sounds in a conversation to rows among its tokens: laid out first, and looked at only when all of it
 * fits.
 */
import { isSound, type Medium } from "@localmodel/inference/picture.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import { type EncodedRows, type PictureChunk, type PlacedRows, rowTokens } from "./picture-rows.ts";
import { append } from "./text-tokens.ts";

/** What looks at pictures, and hears. */
export type PictureReader = {
  /** What a medium of this size becomes, without looking at it. @throws Failure for one that cannot be read */
  readonly layout: (
    medium: Medium,
    signal: AbortSignal | undefined,
  ) => Promise<readonly PictureChunk[]>;
  /** Of each chunk of rows in the layout, in order. @throws the signal's reason once aborted */
  readonly encode: (
    medium: Medium,
    signal: AbortSignal | undefined,
  ) => Promise<readonly EncodedRows[]>;
};

/** A chunk that was laid out. */
export type LaidRows = Omit<PlacedRows, "encoded">;

type Place = {
  /** Among the prompt's media. */
  readonly index: number;
  readonly label: string;
  readonly reader: PictureReader;
  readonly signal: AbortSignal | undefined;
};

/** Puts what the medium becomes behind the tokens, and its chunks into `laid`. */
export async function layMedium(
  medium: Medium,
  { index, label, reader, signal }: Place,
  { tokens, laid }: { readonly tokens: number[]; readonly laid: LaidRows[] },
): Promise<void> {
  let chunk = 0;
  for (const part of await reader.layout(medium, signal)) {
    if (part.kind === "tokens") append(tokens, part.tokens);
    else {
      laid.push({ ...part, at: tokens.length, medium: index, chunk, label });
      append(tokens, rowTokens(medium.sha256, chunk, part));
      chunk += 1;
    }
  }
}

/** A template that leaves out what it was shown would have the model answer as if there had been nothing. */
export function requireAll(media: readonly Medium[], laid: readonly LaidRows[]): void {
  const shown = new Set(laid.map(({ medium }) => medium));
  const missing = media.find((_, index) => !shown.has(index));
  if (missing === undefined) return;
  const what = isSound(missing) ? "audio" : "image";
  throw invalidRequest(
    missing.field,
    `The model's chat template leaves out the ${what} in this message. Put it into a message of the user.`,
  );
}

/** How many of the prompt's tokens were heard. */
export function audioTokensOf(media: readonly Medium[], laid: readonly LaidRows[]): number {
  return laid.reduce((sum, { medium: index, rows }) => {
    const medium = media[index];
    return medium !== undefined && isSound(medium) ? sum + rows : sum;
  }, 0);
}

/** Looks at the media, one after the other. `added`: tokens that came before all others since. */
export async function encodeRows(
  media: readonly Medium[],
  laid: readonly LaidRows[],
  {
    reader,
    signal,
    added,
  }: { reader: PictureReader; signal: AbortSignal | undefined; added: number },
): Promise<readonly PlacedRows[]> {
  const encoded: (readonly EncodedRows[])[] = [];
  for (const medium of media) encoded.push(await reader.encode(medium, signal));
  return laid.map((rows) => {
    const own = encoded[rows.medium]?.[rows.chunk];
    if (own === undefined) throw new Error(`Medium ${rows.medium} has no chunk ${rows.chunk}`);
    return { ...rows, at: rows.at + added, encoded: own };
  });
}
