/**
 * How much a model takes of the machine's memory, and how much of its GPUs'. Pure.
 *
 * Its server puts as many layers on GPUs as are free when it loads. So that it finds what it was counted with, the same is
 * counted here, of all that models may have there together.
 */
import type { Memory } from "./memory.ts";

/** What is known of a model before it is loaded. */
export type Placeable = {
  /** Everything it takes, wherever it is. */
  readonly totalBytes: number;
  /** Of it, what goes with its layers: weights, and their part of the contexts. */
  readonly layersBytes: number;
  /** Of it, what is on a GPU with any layer: a projector, a draft model. */
  readonly besideBytes: number;
  /** What a GPU computes in, on top. */
  readonly computeBytes: number;
  /** With the output layer. 0: the header does not tell. */
  readonly layers: number;
  /** How many somebody asks for; undefined: as many as fit. */
  readonly askedLayers: number | undefined;
};

/** A driver's own, for each process that uses a GPU. */
export const PROCESS_BYTES = 512 * 2 ** 20;

/** `deviceBytes`: what it may have of GPUs; `ofBytes`: what all models may have of them, 0 where there are none. */
export function placed(model: Placeable, deviceBytes: number, ofBytes = deviceBytes): Memory {
  const { totalBytes, layersBytes, besideBytes, computeBytes, layers } = model;
  const fixedBytes = besideBytes + computeBytes + PROCESS_BYTES;
  const count = Math.max(1, layers);
  const fitting = Math.floor((deviceBytes - fixedBytes) / (layersBytes / count));
  // What somebody asks for is what its server does, unless there are no GPUs.
  const asked = ofBytes > 0 ? model.askedLayers : 0;
  const moved = Math.max(0, Math.min(count, asked ?? fitting));
  if (moved === 0) return { ramBytes: totalBytes, deviceBytes: 0 };
  const movedBytes = Math.ceil((layersBytes * moved) / count);
  return {
    ramBytes: Math.max(0, totalBytes - movedBytes - besideBytes),
    deviceBytes: movedBytes + fixedBytes,
  };
}

/** Whether all of it is on GPUs that have so much for it. */
export function isWhole(model: Placeable, deviceBytes: number): boolean {
  const { layersBytes, besideBytes } = model;
  const { ramBytes } = placed(model, deviceBytes);
  return ramBytes <= model.totalBytes - layersBytes - besideBytes;
}
