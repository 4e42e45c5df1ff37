/** What the process that decodes is told and tells. Bytes travel as they are: the channel serialises them itself. */
import type { FileProblem } from "../problem.ts";
import type { DecodedSound } from "../sound/decode-sound.ts";
import type { DecodedPicture } from "./decode.ts";

type PictureTask = {
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

export type Task = PictureTask | SoundTask;

export type ToDecoder = { readonly id: number } & Task;

type Ready = { readonly ready: true };

export type Answer = { readonly id: number } & (
  | { readonly decoded: DecodedPicture | DecodedSound }
  | { readonly problem: FileProblem }
);

/** First that it can decode, then of each file. */
export type FromDecoder = Ready | Answer;

/** Its exit status where it would have taken more memory than one file may. */
export const TOO_MUCH_MEMORY_EXIT = 86;
