/** Sounds for tests: tones and seeded noise, as samples and as files. */
import { createHash } from "node:crypto";
import type { Sound } from "@localmodel/inference/picture.ts";
import { seededRandom } from "./seeded-random.ts";

/** A sine of so many swings a second. */
export function tone(hertz: number, seconds: number, sampleRate: number): Float32Array {
  return Float32Array.from(
    { length: Math.round(seconds * sampleRate) },
    (_, index) => 0.5 * Math.sin((2 * Math.PI * hertz * index) / sampleRate),
  );
}

/** As the decoder hands it on. */
export function soundOf(samples: Float32Array, sampleRate: number): Sound {
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  const sha256 = createHash("sha256").update(`${sampleRate}:`).update(bytes).digest("hex");
  return { samples, sampleRate, sha256, field: "messages[0].content[0]" };
}

/** Whole numbers of 16 bits, in one channel. */
export function wavOf(samples: Float32Array, sampleRate: number): Buffer {
  const data = Buffer.alloc(2 * samples.length);
  for (const [index, sample] of samples.entries()) {
    data.writeInt16LE(Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768))), 2 * index);
  }
  return wavWith(data, { encoding: 1, channels: 1, sampleRate, bits: 16 });
}

export type WavFormat = {
  readonly encoding: number;
  readonly channels: number;
  readonly sampleRate: number;
  readonly bits: number;
};

/** `dataBytes`: what the file says that its samples take. */
export function wavWith(data: Buffer, format: WavFormat, dataBytes = data.length): Buffer {
  const { encoding, channels, sampleRate, bits } = format;
  const head = Buffer.alloc(44);
  head.write("RIFF", 0, "latin1");
  head.writeUInt32LE((36 + dataBytes) >>> 0, 4);
  head.write("WAVEfmt ", 8, "latin1");
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(encoding, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(sampleRate, 24);
  head.writeUInt32LE(((sampleRate * channels * bits) / 8) % 2 ** 32, 28);
  head.writeUInt16LE(((channels * bits) / 8) % 2 ** 16, 32);
  head.writeUInt16LE(bits, 34);
  head.write("data", 36, "latin1");
  head.writeUInt32LE(dataBytes, 40);
  return Buffer.concat([head, data]);
}

export const MP3_RATE = 44_100;
export const MP3_FRAME_SAMPLES = 1152;
const MP3_FRAME_BYTES = 417;
/** MPEG 1, layer III, without a checksum; 128 kilobits, 44,100 samples; one channel. */
const MP3_HEAD = [0xff, 0xfb, 0x90, 0xc0];
/** Values in pairs, and the bits that they and nothing else are written with. */
const MP3_PAIRS = 100;
const MP3_PART_BITS = 1500;

/**
 * Frames of noise in one channel. Whatever bits stand where values do, they are some values: those of Huffman's table 1
 * here, which are -1, 0 and 1.
 */
export function mp3Of(frames: number, seed: number): Buffer {
  const random = seededRandom(seed);
  return Buffer.concat(
    Array.from({ length: frames }, () => {
      const frame = Buffer.from(Array.from({ length: MP3_FRAME_BYTES }, () => random() * 256));
      frame.set(MP3_HEAD, 0);
      frame.set(mp3Sides(), MP3_HEAD.length);
      return frame;
    }),
  );
}

/** What a frame says of its two halves. */
function mp3Sides(): Uint8Array {
  const half: readonly (readonly [value: number, bits: number])[] = [
    [MP3_PART_BITS, 12],
    [MP3_PAIRS, 9],
    // How loud.
    [170, 8],
    // No scale factors, no short blocks.
    [0, 4],
    [0, 1],
    // Huffman's tables of three regions, and where these end.
    [1, 5],
    [1, 5],
    [1, 5],
    [7, 4],
    [7, 3],
    [0, 3],
  ];
  // Nothing of an earlier frame is used.
  return bytesOf([[0, 9], [0, 5], [0, 4], ...half, ...half]);
}

function bytesOf(fields: readonly (readonly [value: number, bits: number])[]): Uint8Array {
  const bits = fields.map(([value, count]) => value.toString(2).padStart(count, "0")).join("");
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
}
