/**
 * WAV files: uncompressed samples, as whole numbers of 8 to 32 bits or as floats. Pure.
 *
 * Who writes one to a pipe does not know its length when it begins, and says 0 or as much as there can be: then the
 * samples go on to the end of the file.
 */
import { FileError } from "../problem.ts";
import {
  CHANNELS_MAX,
  damagedSound,
  requireShort,
  SAMPLE_RATE_MAX,
  SAMPLE_RATE_MIN,
  type Sampled,
} from "./sampled.ts";

const RIFF_HEAD_BYTES = 12;
const CHUNK_HEAD_BYTES = 8;
const FORMAT_BYTES = 16;
/** Of a format that is told behind the rest: where, and how much there is then. */
const EXTENDED_FORMAT_AT = 24;
const EXTENDED_FORMAT_BYTES = 26;
const CHUNKS_MAX = 1024;
const UNKNOWN_LENGTHS = new Set([0, 0xffff_ffff]);

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;

type Format = {
  readonly encoding: number;
  readonly channels: number;
  readonly sampleRate: number;
  readonly bytes: number;
};

type Reader = (view: DataView, at: number) => number;

const READERS: Readonly<Record<string, Reader>> = {
  [`${PCM} 1`]: (view, at) => (view.getUint8(at) - 128) / 128,
  [`${PCM} 2`]: (view, at) => view.getInt16(at, true) / 2 ** 15,
  [`${PCM} 3`]: (view, at) => (view.getUint16(at, true) + view.getInt8(at + 2) * 2 ** 16) / 2 ** 23,
  [`${PCM} 4`]: (view, at) => view.getInt32(at, true) / 2 ** 31,
  [`${FLOAT} 4`]: (view, at) => view.getFloat32(at, true),
  [`${FLOAT} 8`]: (view, at) => view.getFloat64(at, true),
};

export function readWav(file: Uint8Array, maxSeconds: number): Sampled {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const { format, data } = partsOf(view);
  const { channels, sampleRate, bytes } = format;
  const frames = Math.floor(data.byteLength / (channels * bytes));
  requireShort(frames / sampleRate, maxSeconds);
  return { samples: mixed(data, format, frames), sampleRate };
}

function partsOf(view: DataView): { readonly format: Format; readonly data: DataView } {
  let format: Format | undefined;
  let at = RIFF_HEAD_BYTES;
  for (let chunk = 0; chunk < CHUNKS_MAX && at + CHUNK_HEAD_BYTES <= view.byteLength; chunk++) {
    const name = view.getUint32(at);
    const length = view.getUint32(at + 4, true);
    const begin = at + CHUNK_HEAD_BYTES;
    const rest = view.byteLength - begin;
    if (name === nameOf("data") && format !== undefined) {
      const isOpen = UNKNOWN_LENGTHS.has(length);
      if (!isOpen && length > rest) {
        throw damagedSound(`it says that it has ${length} bytes of samples, and has ${rest}`);
      }
      return { format, data: viewOf(view, begin, isOpen ? rest : length) };
    }
    if (length > rest) break;
    if (name === nameOf("fmt ")) format = formatOf(viewOf(view, begin, length));
    // Chunks begin at even places.
    at = begin + length + (length % 2);
  }
  throw damagedSound(format === undefined ? "it does not say what is in it" : "it has no samples");
}

function nameOf(name: string): number {
  return Buffer.from(name, "latin1").readUInt32BE();
}

function viewOf({ buffer, byteOffset }: DataView, at: number, length: number): DataView {
  return new DataView(buffer, byteOffset + at, length);
}

function formatOf(chunk: DataView): Format {
  if (chunk.byteLength < FORMAT_BYTES) throw damagedSound("it does not say what is in it");
  const told = chunk.getUint16(0, true);
  const isExtended = told === EXTENSIBLE && chunk.byteLength >= EXTENDED_FORMAT_BYTES;
  const format = {
    encoding: isExtended ? chunk.getUint16(EXTENDED_FORMAT_AT, true) : told,
    channels: chunk.getUint16(2, true),
    sampleRate: chunk.getUint32(4, true),
    bytes: chunk.getUint16(14, true) / 8,
  };
  const { encoding, channels, sampleRate, bytes } = format;
  if (READERS[`${encoding} ${bytes}`] === undefined) {
    const message = `its samples are of a kind that is not read (format ${encoding}, ${bytes * 8} bits). Send PCM of 16 bits`;
    throw new FileError({ code: "invalid_audio_format", message });
  }
  const isRate = sampleRate >= SAMPLE_RATE_MIN && sampleRate <= SAMPLE_RATE_MAX;
  if (isRate && channels >= 1 && channels <= CHANNELS_MAX) return format;
  const message = `it has ${channels} channels of ${sampleRate} samples a second, and 1 to ${CHANNELS_MAX} of ${SAMPLE_RATE_MIN} to ${SAMPLE_RATE_MAX} are read`;
  throw new FileError({ code: "invalid_audio_format", message });
}

function mixed(data: DataView, { encoding, channels, bytes }: Format, frames: number) {
  const read = READERS[`${encoding} ${bytes}`];
  if (read === undefined) throw new Error(`No reader of format ${encoding}`);
  const samples = new Float32Array(frames);
  for (let frame = 0, at = 0; frame < frames; frame++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++, at += bytes) sum += read(data, at);
    samples[frame] = sum / channels;
  }
  return samples;
}
