/** What the process that decodes is told and tells. Bytes travel as they are: the channel serialises them itself. */
import type { FileProblem } from "../problem.ts";
import type { DecodedSound } from "../sound/decode-sound.ts";
import type { DecodedPicture } from "./decode.ts";

export type PictureTask = {
  readonly kind: "picture";
  readonly file: Uint8Array;
  /** More than that are made fewer. */
  readonly maxPixels: number;
};

export type SoundTask = {
  readonly kind: "sound";
  readonly file: Uint8Array;
  /** Of what comes out. */
  readonly sampleRate: number;
  /** What is longer is refused. */
  readonly maxSeconds: number;
};

export type ToDecoder = { readonly id: number } & (PictureTask | SoundTask);

export type FromDecoder = { readonly id: number } & (
  | { readonly decoded: DecodedPicture | DecodedSound }
  | { readonly problem: FileProblem }
);

/** Its exit status where it would have taken more memory than one file may. */
export const TOO_MUCH_MEMORY_EXIT = 86;
