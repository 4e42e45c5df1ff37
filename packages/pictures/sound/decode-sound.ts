/**
 * From a file to samples. Only the process that is there for it imports this.
 *
 * What comes out is what a projector hears: one channel, as many samples a second as it wants, between -1 and 1.
 */
import { createHash } from "node:crypto";
import type { Sound } from "@localmodel/inference/picture.ts";
import { whatElse } from "../image-format.ts";
import { FileError } from "../problem.ts";
import { isMp3Frame } from "./mp3-frames.ts";
import { readMp3 } from "./mp3.ts";
import { resampled } from "./resample.ts";
import { damagedSound, type Sampled } from "./sampled.ts";
import { readWav } from "./wav.ts";

export type DecodedSound = Omit<Sound, "field">;

/** Encoders look at a stretch of time. OpenAI's takes no less either. */
const LEAST_SECONDS = 0.1;

type Wanted = { readonly sampleRate: number; readonly maxSeconds: number };

export async function decodeSound(
  file: Uint8Array,
  { sampleRate, maxSeconds }: Wanted,
): Promise<DecodedSound> {
  const found = await sampledOf(file, maxSeconds);
  const seconds = found.samples.length / found.sampleRate;
  if (seconds < LEAST_SECONDS) {
    const message = `it is ${seconds.toFixed(3)} seconds long, and ${LEAST_SECONDS} are the least that is heard`;
    throw new FileError({ code: "audio_too_short", message });
  }
  const samples = bounded(resampled(found.samples, found.sampleRate, sampleRate));
  return { samples, sampleRate, sha256: hashOf(samples, sampleRate) };
}

async function sampledOf(file: Uint8Array, maxSeconds: number): Promise<Sampled> {
  if (file.length === 0) {
    throw new FileError({ code: "empty_audio_file", message: "it has no bytes" });
  }
  const head = Buffer.from(file.subarray(0, 12)).toString("latin1");
  if (head.startsWith("RIFF") && head.endsWith("WAVE")) return readWav(file, maxSeconds);
  if (head.startsWith("ID3") || isMp3Frame(file)) return readMp3(file, maxSeconds);
  const message = `it is ${whatElse(file)}. Send WAV or MP3`;
  throw new FileError({ code: "invalid_audio_format", message });
}

function bounded(samples: Float32Array): Float32Array {
  return samples.map((sample) => {
    if (!Number.isFinite(sample)) throw damagedSound("a sample is no number");
    return Math.max(-1, Math.min(1, sample));
  });
}

function hashOf(samples: Float32Array, sampleRate: number): string {
  const { buffer, byteOffset, byteLength } = samples;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  return createHash("sha256").update(`${sampleRate}:`).update(bytes).digest("hex");
}
