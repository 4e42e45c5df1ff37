/**
 * The model's projector, as what prompts ask of it: it looks at pictures, or hears sounds, or both.
 *
 * libmtmd ends the process where it is given what it does not expect, so a medium is looked at here before it is there.
 */
import { stat } from "node:fs/promises";
import { Failure } from "@localmodel/inference/failure.ts";
import { isSound, type Medium, type Picture, type Sound } from "@localmodel/inference/picture.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import { rowBytes, rowsMaxBytes } from "@localmodel/localmodel/contracts/picture-limits.ts";
import { visionLibrary } from "@localmodel/llama/library/vision-library.ts";
import type { Model } from "@localmodel/llama/model.ts";
import type { Watched } from "@localmodel/llama/vision/encoder-thread.ts";
import { loadProjector, type Projector } from "@localmodel/llama/vision/projector.ts";
import type { PictureReader } from "../prompt/picture-prompt.ts";
import { type PictureChunk, ROW_POSITIONS_MAX } from "../prompt/picture-rows.ts";
import { EncodedPictures } from "./encoded-pictures.ts";
import type { LlamaLibrary, LlamaLog } from "./library.ts";
import { orDoesNotFit } from "./memory-failure.ts";
import { type MemoryBytes, memoryOf } from "./model.ts";
import { SoundLayouts } from "./sound-layouts.ts";

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

export type Pictures = {
  /** For prompts of at most so many tokens. */
  readonly readerOf: (contextTokens: number) => PictureReader;
  readonly memoryBytes: MemoryBytes;
  readonly sees: boolean;
  /** Samples of a second that it hears; undefined where it hears nothing. */
  readonly audioSampleRate: number | undefined;
};

type PictureOptions = {
  readonly path: string;
  /** Of a step. */
  readonly threads: number;
  readonly batchTokens: number;
  readonly imageMaxTokens?: number | undefined;
  readonly watched: Watched;
  readonly log: LlamaLog;
};

/** Undefined, with a word in the log, where libmtmd was not built: the model serves text. */
export async function loadPictures(
  library: LlamaLibrary,
  model: Model,
  { path, threads, batchTokens, imageMaxTokens, watched, log }: PictureOptions,
): Promise<Pictures | undefined> {
  if (visionLibrary() === undefined) {
    log("warn", "The model will not see: install g++ or clang++, then run npm run build:vision");
    return undefined;
  }
  const projector = await orDoesNotFit(
    library,
    `the projector ${path}`,
    () =>
      loadProjector(model, {
        path,
        threads: Math.max(1, Math.floor(threads / 2)),
        imageMaxTokens,
        watched,
      }),
    HINT,
  );
  const { sees, audioSampleRate } = projector;
  if (!sees && audioSampleRate === undefined) {
    throw new Error(`The projector ${path} takes neither images nor audio${HINT}`);
  }
  await requireOwnTokens(projector, path);
  const { size } = await stat(path);
  const inRam = library.llama.gpu === false;
  const { ram, vram } = memoryOf(projector.reservations);
  return {
    readerOf: (contextTokens) =>
      readerOf(projector, { batchTokens, contextTokens, dimensions: model.shape.inputDimensions }),
    sees,
    audioSampleRate,
    memoryBytes: { ram: ram + (inRam ? size : 0), vram: vram + (inRam ? 0 : size) },
  };
}

/** The tokens around media are looked up in the model's vocabulary, and one that is not there is no token at all. */
async function requireOwnTokens(projector: Projector, path: string): Promise<void> {
  const { sees, audioSampleRate } = projector;
  const pictures = sees ? PROBES.map((size) => projector.layout(size)) : [];
  const sound =
    audioSampleRate === undefined ? [] : await projector.soundLayout({ samples: audioSampleRate });
  const strange = [...pictures, sound]
    .flat()
    .some((chunk) => chunk.kind === "tokens" && chunk.tokens.some((token) => token < 0));
  if (!strange) return;
  throw new Error(
    `The projector ${path} puts tokens around what it takes that the model's vocabulary does not have${HINT}`,
  );
}

type Read = {
  readonly batchTokens: number;
  readonly contextTokens: number;
  /** Of a row. */
  readonly dimensions: number;
};

function readerOf(
  projector: Projector,
  { batchTokens, contextTokens, dimensions }: Read,
): PictureReader {
  const encoded = new EncodedPictures(rowsMaxBytes(contextTokens, dimensions));
  const soundLayouts = new SoundLayouts(projector);
  return {
    layout: async (medium, signal) => {
      check(medium, projector);
      const chunks = await orUnreadable(medium, signal, () =>
        isSound(medium) ? soundLayouts.of(medium.samples.length, signal) : projector.layout(medium),
      );
      for (const chunk of chunks) checkChunk(chunk, medium, batchTokens);
      return chunks;
    },
    look: (media, signal) => {
      const wanted = media.map(({ medium, rows }) => ({
        sha256: medium.sha256,
        bytes: rows * rowBytes(dimensions),
        encode: (unwanted: AbortSignal) =>
          orUnreadable(medium, unwanted, () => projector.encode(medium, unwanted)),
      }));
      return encoded.hold(wanted, signal);
    },
  };
}

async function orUnreadable<Result>(
  medium: Medium,
  signal: AbortSignal | undefined,
  act: () => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw unreadable(medium, error);
  }
}

/** Who asked for it has been refused already where the model cannot take it. */
function check(medium: Medium, projector: Projector): void {
  const takes = isSound(medium) ? projector.audioSampleRate !== undefined : projector.sees;
  if (!takes) {
    throw invalidRequest(
      medium.field,
      `This model does not take ${isSound(medium) ? "audio" : "images"}.`,
      "model_not_multimodal",
    );
  }
  if (isSound(medium)) checkSound(medium, projector);
  else checkPicture(medium);
}

function checkSound({ samples, sampleRate, field }: Sound, { audioSampleRate }: Projector): void {
  if (samples.length > 0 && sampleRate === audioSampleRate) return;
  throw invalidRequest(field, `Invalid audio: ${samples.length} samples, ${sampleRate} a second.`);
}

function isSize(side: number): boolean {
  return Number.isInteger(side) && side >= 1;
}

function checkPicture({ width, height, rgb, field }: Picture): void {
  if (!isSize(width) || !isSize(height) || rgb.length !== width * height * BYTES_PER_PIXEL) {
    throw invalidRequest(
      field,
      `Invalid image: ${width} x ${height} pixels in ${rgb.length} bytes.`,
    );
  }
  if (Math.max(width, height) <= ASPECT_RATIO_MAX * Math.min(width, height)) return;
  throw invalidRequest(
    field,
    `Invalid image in '${field}': it is ${width} by ${height} pixels, and one side may be at most ${ASPECT_RATIO_MAX} times as long as the other.`,
    "invalid_image",
  );
}

function checkChunk(chunk: PictureChunk, medium: Medium, batchTokens: number): void {
  if (chunk.kind === "tokens") return;
  const { field } = medium;
  if (chunk.whole && chunk.rows > batchTokens) {
    throw invalidRequest(
      field,
      `This ${nameOf(medium)} is ${chunk.rows} tokens, which this model has to read at once. The server reads at most ${batchTokens}: raise engine.batchTokens.`,
    );
  }
  if (chunk.positions <= ROW_POSITIONS_MAX) return;
  throw invalidRequest(
    field,
    `Invalid ${nameOf(medium)}: it would take ${chunk.positions} positions.`,
  );
}

function unreadable(medium: Medium, error: unknown): Failure {
  if (error instanceof Failure) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return invalidRequest(medium.field, `The model cannot read this ${nameOf(medium)}: ${reason}.`);
}

function nameOf(medium: Medium): string {
  return isSound(medium) ? "audio" : "image";
}
