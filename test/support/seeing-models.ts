/** A tiny chat model with a projector that sees: what it says is noise, but the same for a picture as for its text. */
import { readEmbeddingRows } from "./embedding-rows.ts";
import type { Colour } from "./glyphs.ts";
import { writeSeeingProjector } from "./seeing-projector.ts";
import type { TemporaryFolder } from "./temporary-folder.ts";
import { writeTinyChatModel } from "./tiny-models.ts";

export type SeeingModel = {
  readonly weightsPath: string;
  readonly projectorPath: string;
  /** The token that stands for a letter, or for a square of a colour. */
  readonly tokenOf: (seen: string) => number;
};

export async function writeSeeingModel(
  folder: TemporaryFolder,
  options: Parameters<typeof writeTinyChatModel>[1] = {},
): Promise<SeeingModel> {
  const weightsPath = folder.file("seeing.gguf");
  const projectorPath = folder.file("seeing-mmproj.gguf");
  await writeTinyChatModel(weightsPath, options);
  const tokenOf = await writeTinyProjector(weightsPath, projectorPath);
  return { weightsPath, projectorPath, tokenOf };
}

/** Every colour is to the model what a small letter is: the first of its name. White is a space. */
export async function writeTinyProjector(
  weightsPath: string,
  projectorPath: string,
): Promise<SeeingModel["tokenOf"]> {
  const embeddings = await readEmbeddingRows(weightsPath);
  const { dimensions, row } = embeddings;
  const tokenOf = (seen: string): number => embeddings.tokenOf(seen === " " ? "\u0120" : seen);
  await writeSeeingProjector(projectorPath, {
    dimensions,
    letters: (letter) => row(tokenOf(letter)),
    colours: (colour) => row(tokenOf(nameOf(colour))),
  });
  return tokenOf;
}

export function nameOf(colour: Colour): string {
  return colour === "white" ? " " : colour.slice(0, 1);
}
