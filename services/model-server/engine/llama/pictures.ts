/**
 * The model's projector, as what prompts ask of it.
 *
 * libmtmd ends the process where it is given what it does not expect, so a picture is looked at here before it is there.
 */
import { stat } from "node:fs/promises";
import { Failure } from "@localmodel/inference/failure.ts";
import type { Picture } from "@localmodel/inference/picture.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import { visionLibrary } from "@localmodel/llama/library/vision-library.ts";
import type { Model } from "@localmodel/llama/model.ts";
import { loadProjector, type Projector } from "@localmodel/llama/vision/projector.ts";
import type { PictureReader } from "../prompt/picture-prompt.ts";
import { type PictureChunk, ROW_POSITIONS_MAX } from "../prompt/picture-rows.ts";
import { EncodedPictures } from "./encoded-pictures.ts";
import type { LlamaLibrary, LlamaLog } from "./library.ts";
import { orDoesNotFit } from "./memory-failure.ts";
import { type MemoryBytes, memoryOf } from "./model.ts";

/** What is remembered of pictures: some dozens, of a large model's. */
const REMEMBERED_BYTES = 64 * 2 ** 20;
/** One that is looked at once, and one in tiles, each with what the model reads around it. */
const PROBES = [
  { width: 1, height: 1 },
  { width: 2000, height: 2000 },
] as const;
/** The longer side of a picture to the shorter. Models were trained with far less, and one side would round to nothing. */
const ASPECT_RATIO_MAX = 200;
const BYTES_PER_PIXEL = 3;
const HINT =
  ". A projector has to be the one (mmproj) that was made for this model, for this version of llama.cpp";

export type Pictures = PictureReader & { readonly memoryBytes: MemoryBytes };

type PictureOptions = {
  readonly path: string;
  /** Of a step. */
  readonly threads: number;
  readonly batchTokens: number;
  readonly log: LlamaLog;
};

/** Undefined, with a word in the log, where libmtmd was not built: the model serves text. */
export async function loadPictures(
  library: LlamaLibrary,
  model: Model,
  { path, threads, batchTokens, log }: PictureOptions,
): Promise<Pictures | undefined> {
  if (visionLibrary() === undefined) {
    log("warn", "The model will not see: install g++ or clang++, then run npm run build:vision");
    return undefined;
  }
  const projector = await orDoesNotFit(
    library,
    `the projector ${path}`,
    () => loadProjector(model, { path, threads: Math.max(1, Math.floor(threads / 2)) }),
    HINT,
  );
  if (!projector.sees) throw new Error(`The projector ${path} takes no images${HINT}`);
  requireOwnTokens(projector, path);
  const { size } = await stat(path);
  const inRam = library.llama.gpu === false;
  const { ram, vram } = memoryOf(projector.reservations);
  return {
    ...readerOf(projector, batchTokens),
    memoryBytes: { ram: ram + (inRam ? size : 0), vram: vram + (inRam ? 0 : size) },
  };
}

/** The tokens around pictures are looked up in the model's vocabulary, and one that is not there is no token at all. */
function requireOwnTokens(projector: Projector, path: string): void {
  const strange = PROBES.flatMap((size) => projector.layout(size)).some(
    (chunk) => chunk.kind === "tokens" && chunk.tokens.some((token) => token < 0),
  );
  if (!strange) return;
  throw new Error(
    `The projector ${path} puts tokens around pictures that the model's vocabulary does not have${HINT}`,
  );
}

function readerOf(projector: Projector, batchTokens: number): PictureReader {
  const encoded = new EncodedPictures(REMEMBERED_BYTES);
  return {
    layout: (picture) => {
      check(picture);
      const chunks = layoutOf(projector, picture);
      for (const chunk of chunks) checkChunk(chunk, picture, batchTokens);
      return chunks;
    },
    encode: (picture, signal) =>
      encoded.of(
        picture.sha256,
        async (unwanted) => {
          try {
            return await projector.encode(picture, unwanted);
          } catch (error) {
            if (unwanted.aborted) throw error;
            throw unreadable(picture, error);
          }
        },
        signal,
      ),
  };
}

function layoutOf(projector: Projector, picture: Picture): readonly PictureChunk[] {
  try {
    return projector.layout(picture);
  } catch (error) {
    throw unreadable(picture, error);
  }
}

function isSize(side: number): boolean {
  return Number.isInteger(side) && side >= 1;
}

function check({ width, height, rgb, field }: Picture): void {
  if (!isSize(width) || !isSize(height) || rgb.length !== width * height * BYTES_PER_PIXEL) {
    throw invalidRequest(
      field,
      `Invalid image: ${width} x ${height} pixels in ${rgb.length} bytes.`,
    );
  }
  if (Math.max(width, height) <= ASPECT_RATIO_MAX * Math.min(width, height)) return;
  throw invalidRequest(
    field,
    `Invalid image: ${width} x ${height} pixels. One side may be at most ${ASPECT_RATIO_MAX} times as long as the other.`,
  );
}

function checkChunk(chunk: PictureChunk, { field }: Picture, batchTokens: number): void {
  if (chunk.kind === "tokens") return;
  if (chunk.whole && chunk.rows > batchTokens) {
    throw invalidRequest(
      field,
      `This image is ${chunk.rows} tokens, which this model has to read at once. The server reads at most ${batchTokens}: raise engine.batchTokens.`,
    );
  }
  if (chunk.positions <= ROW_POSITIONS_MAX) return;
  throw invalidRequest(field, `Invalid image: it would take ${chunk.positions} positions.`);
}

function unreadable({ field }: Picture, error: unknown): Failure {
  if (error instanceof Failure) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return invalidRequest(field, `The model cannot read this image: ${reason}.`);
}
