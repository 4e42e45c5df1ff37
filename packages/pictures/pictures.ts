/**
 * From what a client sent to pictures that a model can look at: fetched where allowed, decoded, within the memory that
 * there is for them.
 *
 * The pictures of a request share a number of pixels, so that a conversation with sixty of them takes no more memory
 * than one with six: each of them is smaller then.
 */
import type { ImageInput } from "@localmodel/inference/image-input.ts";
import type { Picture } from "@localmodel/inference/picture.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import {
  PICTURE_MAX_PIXELS,
  REQUEST_MAX_PIXELS,
} from "@localmodel/localmodel/contracts/picture-limits.ts";
import type { Decoder } from "./decoder/decoder.ts";
import { BYTES_PER_PIXEL } from "./decoder/limits.ts";
import type { ImageFetcher } from "./fetch/image-fetcher.ts";
import { ImageError } from "./problem.ts";
import type { Room } from "./room.ts";

export type Eyes = {
  readonly decoder: Pick<Decoder, "decode">;
  readonly fetcher: Pick<ImageFetcher, "fetch">;
  /** For at least one request's pictures. */
  readonly room: Room;
};

/** Pictures, and the memory they are in until this is disposed. */
type Seen = Disposable & { readonly pictures: readonly Picture[] };

/** Throws a Failure that names the field of the first picture that cannot be used. */
export async function look(
  images: readonly ImageInput[],
  { decoder, fetcher, room }: Eyes,
  signal: AbortSignal,
): Promise<Seen> {
  const share = Math.min(PICTURE_MAX_PIXELS, Math.floor(REQUEST_MAX_PIXELS / images.length));
  const held = await room.take(images.length * share * BYTES_PER_PIXEL, signal);
  try {
    const pictures: Picture[] = [];
    for (const { source, maxPixels = share, field } of images) {
      const seen = await blaming(field, async () => {
        const file =
          source.type === "file" ? source.bytes : await fetcher.fetch(source.url, signal);
        return decoder.decode(file, Math.min(share, maxPixels), signal);
      });
      pictures.push({ ...seen, field });
    }
    held.keep(pictures.reduce((sum, { rgb }) => sum + rgb.length, 0));
    return { pictures, [Symbol.dispose]: () => held[Symbol.dispose]() };
  } catch (error) {
    held[Symbol.dispose]();
    throw error;
  }
}

async function blaming<Result>(field: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    const { code, message } = error.problem;
    throw invalidRequest(field, `Invalid image in '${field}': ${message}.`, code);
  }
}
