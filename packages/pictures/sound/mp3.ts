/**
 * MP3 files, by libmpg123 as WebAssembly: whatever a file leads it to, it reads and writes nothing but its own memory.
 *
 * It is fed a little at a time, so that neither a file that becomes hours of sound nor one in which it loses itself takes
 * more memory than is checked in between.
 */
import { setImmediate } from "node:timers/promises";
import type { MPEGDecoder } from "mpg123-decoder";
import { framesOf } from "./mp3-frames.ts";
import { damagedSound, requireShort, type Sampled } from "./sampled.ts";

const FED_BYTES = 16_384;

export async function readMp3(file: Uint8Array, maxSeconds: number): Promise<Sampled> {
  const { at, end, sampleRate, seconds } = framesOf(file);
  requireShort(seconds, maxSeconds);
  // Few files are of this kind, and what reads them is half a megabyte.
  const { MPEGDecoder: Reader } = await import("mpg123-decoder");
  const reader = new Reader();
  await reader.ready;
  const parts: Float32Array[] = [];
  let count = 0;
  try {
    for (let from = at; from < end; from += FED_BYTES) {
      const part = mono(reader, file.subarray(from, Math.min(end, from + FED_BYTES)), sampleRate);
      parts.push(part);
      count += part.length;
      requireShort(count / sampleRate, maxSeconds);
      await setImmediate();
    }
  } finally {
    reader.free();
  }
  if (count === 0) throw damagedSound("there is no sound in its frames");
  return { samples: joined(parts, count), sampleRate };
}

/** It gives two channels, which are the same where the file has one. */
function mono(reader: MPEGDecoder, bytes: Uint8Array, wantedRate: number): Float32Array {
  const { channelData, samplesDecoded, sampleRate, errors } = reader.decode(bytes);
  const [error] = errors;
  if (error !== undefined) throw damagedSound(error.message);
  const [left, right] = channelData;
  if (samplesDecoded === 0 || left === undefined) return new Float32Array(0);
  if (sampleRate !== wantedRate) throw damagedSound("its sample rate changes");
  if (right === undefined) return left;
  return left.map((sample, index) => (sample + (right[index] ?? sample)) / 2);
}

function joined(parts: readonly Float32Array[], count: number): Float32Array {
  const samples = new Float32Array(count);
  let at = 0;
  for (const part of parts) {
    samples.set(part, at);
    at += part.length;
  }
  return samples;
}
