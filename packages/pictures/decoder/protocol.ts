/** What the process that decodes is told and tells. Bytes travel as they are: the channel serialises them itself. */
import type { ImageProblem } from "../problem.ts";
import type { DecodedPicture } from "./decode.ts";

export type ToDecoder = {
  readonly id: number;
  readonly file: Uint8Array;
  /** More than that are made fewer. */
  readonly maxPixels: number;
};

export type FromDecoder = { readonly id: number } & (
  | { readonly picture: DecodedPicture }
  | { readonly problem: ImageProblem }
);

/** Its exit status where it would have taken more memory than one picture may. */
export const TOO_MUCH_MEMORY_EXIT = 86;
