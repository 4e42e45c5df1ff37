/** A sound as samples: what the readers of formats make of a file, before it is resampled. Pure. */
import { FileError } from "../problem.ts";

/** One channel: that of several is their mean. */
export type Sampled = { readonly samples: Float32Array; readonly sampleRate: number };

export const SAMPLE_RATE_MIN = 8000;
export const SAMPLE_RATE_MAX = 192_000;
export const CHANNELS_MAX = 8;

export function damagedSound(reason: string): FileError {
  return new FileError({
    code: "audio_parse_error",
    message: `the file is damaged or cut off (${reason})`,
  });
}

/** Before anything is made of it. */
export function requireShort(seconds: number, maxSeconds: number): void {
  if (seconds <= maxSeconds) return;
  const message = `it is longer than ${Math.floor(maxSeconds)} seconds, which is what there is room for in a request. Send a part of it`;
  throw new FileError({ code: "audio_too_large", message });
}
