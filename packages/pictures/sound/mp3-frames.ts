/**
 * Where the frames of an MP3 file are, by their heads: how long it is, and whether all of it is there, before anything is
 * decoded. Pure.
 *
 * Tags stand before and behind them, and editors leave rubbish between them, which players pass over.
 */
import { damagedSound } from "./sampled.ts";

const HEAD_BYTES = 4;
const ID3_HEAD_BYTES = 10;
/** Rubbish in a row, beyond which it is no MP3 file. */
const RUBBISH_MAX_BYTES = 65_536;

/** In thousands of bits a second, by the number in a frame's head. */
const MPEG_1_BIT_RATES = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const MPEG_2_BIT_RATES = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const MPEG_1_RATES = [44_100, 48_000, 32_000] as const;
/** By the number in the head: MPEG 2.5, none, MPEG 2, MPEG 1. */
const VERSIONS = [
  { bitRates: MPEG_2_BIT_RATES, samples: 576, slower: 4 },
  undefined,
  { bitRates: MPEG_2_BIT_RATES, samples: 576, slower: 2 },
  { bitRates: MPEG_1_BIT_RATES, samples: 1152, slower: 1 },
] as const;
const LAYER_3 = 1;

type Frame = { readonly bytes: number; readonly samples: number; readonly sampleRate: number };

type Mp3 = {
  /** Of the file, where the first frame begins. */
  readonly at: number;
  /** Behind the last frame. */
  readonly end: number;
  readonly sampleRate: number;
  readonly seconds: number;
};

/** Whether it begins with a frame: tags have names of their own. */
export function isMp3Frame(file: Uint8Array): boolean {
  return frameAt(file, 0) !== undefined;
}

export function framesOf(file: Uint8Array): Mp3 {
  const begin = afterTags(file);
  let at = begin;
  let first: number | undefined;
  let rate = 0;
  let seconds = 0;
  let end = begin;
  while (at + HEAD_BYTES <= file.length && !isTagAtEnd(file, at)) {
    const frame = frameAt(file, at);
    if (frame === undefined) {
      at += 1;
      if (at - end > RUBBISH_MAX_BYTES)
        throw damagedSound("between its frames there is something else");
      continue;
    }
    if (at + frame.bytes > file.length) throw damagedSound("its last frame is not whole");
    if (rate !== 0 && frame.sampleRate !== rate) throw damagedSound("its sample rate changes");
    first ??= at;
    rate = frame.sampleRate;
    seconds += frame.samples / frame.sampleRate;
    at += frame.bytes;
    end = at;
  }
  if (first === undefined) throw damagedSound("it has no frames");
  return { at: first, end, sampleRate: rate, seconds };
}

/** The size of such a tag leaves out the highest bit of each byte. */
function afterTags(file: Uint8Array): number {
  let at = 0;
  while (startsWith(file, at, "ID3") && at + ID3_HEAD_BYTES <= file.length) {
    const size = [6, 7, 8, 9].reduce((sum, byte) => sum * 128 + ((file[at + byte] ?? 0) & 127), 0);
    at += ID3_HEAD_BYTES + size;
  }
  return at;
}

function isTagAtEnd(file: Uint8Array, at: number): boolean {
  return startsWith(file, at, "TAG") || startsWith(file, at, "APETAGEX");
}

function startsWith(file: Uint8Array, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (file[at + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

/** Of layer III with a bit rate that is told: everything that is called MP3. */
function frameAt(file: Uint8Array, at: number): Frame | undefined {
  const [sync = 0, kind = 0, rates = 0] = file.subarray(at, at + HEAD_BYTES);
  const isFrame = sync === 0xff && kind >> 5 === 7 && ((kind >> 1) & 3) === LAYER_3;
  const version = VERSIONS[(kind >> 3) & 3];
  if (!isFrame || version === undefined) return undefined;
  const kilobits = version.bitRates[rates >> 4] ?? 0;
  const mpeg1Rate = MPEG_1_RATES[(rates >> 2) & 3];
  if (kilobits === 0 || mpeg1Rate === undefined) return undefined;
  const { samples } = version;
  const sampleRate = mpeg1Rate / version.slower;
  const padding = (rates >> 1) & 1;
  const bytes = Math.floor((samples * kilobits * 125) / sampleRate) + padding;
  return { bytes, samples, sampleRate };
}
