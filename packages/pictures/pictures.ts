/**
 * From what a client sent to pictures that a model can look at, and sounds that it can hear: fetched where allowed,
 * decoded, within the memory that there is for them.
 *
 * The pictures of a request share a number of pixels, so that a conversation with sixty of them takes no more memory
 * than one with six: each of them is smaller then. Its sounds share a number of seconds, and what is longer is refused.
 */
import type { ImageInput } from "@localmodel/inference/image-input.ts";
import type { Picture, Sound } from "@localmodel/inference/picture.ts";
import type { SoundInput } from "@localmodel/inference/sound-input.ts";
import {
  PICTURE_MAX_PIXELS,
  REQUEST_MAX_BYTES,
  REQUEST_MAX_PIXELS,
  REQUEST_MAX_SOUND_SECONDS,
} from "@localmodel/localmodel/contracts/picture-limits.ts";
import { blaming } from "./blaming.ts";
import type { Decoder } from "./decoder/decoder.ts";
import { BYTES_PER_PIXEL } from "./decoder/limits.ts";
import type { RequestFetcher } from "./fetch/request-fetcher.ts";
import type { Room } from "./room.ts";

const BYTES_PER_SAMPLE = Float32Array.BYTES_PER_ELEMENT;

export type Eyes = {
  readonly decoder: Pick<Decoder, "decode" | "decodeSound">;
  readonly fetcher: Pick<RequestFetcher, "fetch">;
  /** For at least one request's pictures and sounds. */
  readonly room: Room;
};

export type Sent = {
  readonly images: readonly ImageInput[];
  readonly sounds: readonly SoundInput[];
  /** Of what the model hears. */
  readonly sampleRate: number;
};

/** Pictures and sounds, and the memory they are in until this is disposed. */
type Perceived = Disposable & {
  readonly pictures: readonly Picture[];
  readonly sounds: readonly Sound[];
};

/** Throws a Failure that names the field of the first picture or sound that cannot be used. */
export async function perceive(sent: Sent, eyes: Eyes, signal: AbortSignal): Promise<Perceived> {
  const { images, sounds, sampleRate } = sent;
  const share = Math.min(PICTURE_MAX_PIXELS, Math.floor(REQUEST_MAX_PIXELS / images.length));
  const pictureBytes = images.length === 0 ? 0 : images.length * share * BYTES_PER_PIXEL;
  const soundBytes = sounds.length === 0 ? 0 : soundMaxBytes(sampleRate);
  using fetched = await eyes.fetcher.fetch(images, signal);
  // At once: two requests that held a part each could wait for each other's.
  const held = await eyes.room.take(pictureBytes + soundBytes, signal);
  try {
    const pictures = await look({ images, files: fetched.files }, share, eyes, signal);
    const heard = await hear(sounds, sampleRate, eyes, signal);
    held.keep(
      pictures.reduce((sum, { rgb }) => sum + rgb.length, 0) +
        heard.reduce((sum, { samples }) => sum + samples.byteLength, 0),
    );
    return { pictures, sounds: heard, [Symbol.dispose]: () => held[Symbol.dispose]() };
  } catch (error) {
    held[Symbol.dispose]();
    throw error;
  }
}

function soundMaxBytes(sampleRate: number): number {
  const secondBytes = sampleRate * BYTES_PER_SAMPLE;
  const seconds = Math.min(REQUEST_MAX_SOUND_SECONDS, Math.floor(REQUEST_MAX_BYTES / secondBytes));
  return seconds * secondBytes;
}

async function look(
  { images, files }: Pick<Sent, "images"> & { readonly files: ReadonlyMap<string, Uint8Array> },
  share: number,
  { decoder }: Eyes,
  signal: AbortSignal,
): Promise<readonly Picture[]> {
  const pictures: Picture[] = [];
  for (const { source, maxPixels = share, field } of images) {
    const file = source.type === "file" ? source.bytes : files.get(source.url);
    if (file === undefined) throw new Error(`The image in ${field} was not fetched`);
    const seen = await blaming("image", field, () =>
      decoder.decode(file, Math.min(share, maxPixels), signal),
    );
    pictures.push({ ...seen, field });
  }
  return pictures;
}

async function hear(
  inputs: readonly SoundInput[],
  sampleRate: number,
  { decoder }: Eyes,
  signal: AbortSignal,
): Promise<readonly Sound[]> {
  const sounds: Sound[] = [];
  let maxSeconds = soundMaxBytes(sampleRate) / BYTES_PER_SAMPLE / sampleRate;
  for (const { bytes, field } of inputs) {
    const wanted = { sampleRate, maxSeconds };
    const heard = await blaming("audio", field, () => decoder.decodeSound(bytes, wanted, signal));
    sounds.push({ ...heard, field });
    maxSeconds -= heard.samples.length / sampleRate;
  }
  return sounds;
}
