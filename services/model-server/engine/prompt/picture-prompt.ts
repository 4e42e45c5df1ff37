/**
 * From pictures and sounds in a conversation to rows among its tokens: laid out, which says whether all of it fits. They
 * are looked at later, and only as far as no cache holds them (stepping/sight.ts).
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
  /** Looks at them, one after the other, as soon as there is room for what they become. @throws the signal's reason */
  readonly look: (media: readonly LaidMedium[], signal: AbortSignal) => Promise<HeldRows>;
};

/** With as many rows as it becomes. */
type LaidMedium = { readonly medium: Medium; readonly rows: number };

/** Of each medium, of each of its chunks: theirs until it is disposed, and their room's no longer. */
export type HeldRows = Disposable & { readonly rows: readonly (readonly EncodedRows[])[] };

/** What is shown among a prompt's tokens. */
export type Shown = {
  readonly media: readonly Medium[];
  readonly rows: readonly PlacedRows[];
  readonly reader: PictureReader;
};

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
  { tokens, laid }: { readonly tokens: number[]; readonly laid: PlacedRows[] },
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
export function requireAll(media: readonly Medium[], laid: readonly PlacedRows[]): void {
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
export function audioTokensOf(media: readonly Medium[], laid: readonly PlacedRows[]): number {
  return laid.reduce((sum, { medium: index, rows }) => {
    const medium = media[index];
    return medium !== undefined && isSound(medium) ? sum + rows : sum;
  }, 0);
}
